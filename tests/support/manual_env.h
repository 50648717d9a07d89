#pragma once

#include "storage/disk/posix.h"
#include "storage/key_value/rocksdb_store.h"
#include "tests/support/manual_loop.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tidelog-unit-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A world of one loop that the test drives by hand, with real files below a temporary directory.
class ManualEnv final : public Env {
 public:
  ManualEnv() { loops_.push_back(std::make_unique<ManualLoop>()); }

  storage::FileSystem& files() override { return files_; }
  Network& network() override { return network_; }
  BlockingPool& blocking() override { return blocking_; }
  Random& random() override { return random_; }
  std::span<const std::unique_ptr<Loop>> loops() override { return loops_; }
  std::unique_ptr<storage::KeyValuePlace> view_place(const std::string& directory) override {
    return std::make_unique<storage::RocksdbPlace>(files_, directory);
  }

  [[nodiscard]] ManualLoop& loop() { return static_cast<ManualLoop&>(*loops_.front()); }
  [[nodiscard]] const std::string& directory() const { return directory_.path(); }

 private:
  class Inline final : public BlockingPool {
   public:
    void run(Job job, Loop& back, Job done) override {
      job();
      back.post(std::move(done));
    }
  };
  class NoNetwork final : public Network {
   public:
    Result<std::unique_ptr<Listener>> listen(const Endpoint&, Loop&) override { return Errc::refused; }
  };
  class Counting final : public Random {
   public:
    void fill(MutableBytes into) override {
      for (std::byte& byte : into) byte = static_cast<std::byte>(++next_);
    }

   private:
    unsigned next_ = 0;
  };

  TemporaryDirectory directory_;
  storage::PosixFileSystem files_;
  NoNetwork network_;
  Inline blocking_;
  Counting random_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace tidelog::broker
