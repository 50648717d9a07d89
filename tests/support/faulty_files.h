#pragma once

#include "storage/disk/file_system.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::testing {

/// Passes calls on to another file system, counts them, and fails the n-th. A write that fails leaves half of its bytes behind.
/// Life: the other file system outlives it and every file opened through it.
class FaultyFiles final : public storage::FileSystem {
 public:
  explicit FaultyFiles(storage::FileSystem& inner) : inner_(inner) {}

  /// The `call`-th call from now on fails (1: the next one), once.
  void fail_call(std::size_t call, Errc error = Errc::io) {
    state_->countdown = call;
    state_->error = error;
  }
  /// Every write fails until `heal`; and cutting back as well, if asked for.
  void fail_writes(Errc error, bool also_truncate = false) {
    state_->write_error = error;
    state_->truncate_fails = also_truncate;
  }
  void heal() { *state_ = State{.calls = state_->calls}; }
  [[nodiscard]] std::size_t calls() const { return state_->calls; }
  /// Whether the call that was to fail has come.
  [[nodiscard]] bool has_failed() const { return state_->has_failed; }
  [[nodiscard]] bool failed_in_sync() const { return state_->failed_in_sync; }

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    if (const auto error = state_->count()) return *error;
    Result<std::unique_ptr<storage::File>> file = inner_.open(path, mode);
    if (!file) return file.error();
    return std::unique_ptr<storage::File>(std::make_unique<FaultyFile>(std::move(*file), state_));
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override {
    if (const auto error = state_->count()) return *error;
    return inner_.list(directory);
  }
  Result<storage::DirEntry> stat(const std::string& path) override {
    if (const auto error = state_->count()) return *error;
    return inner_.stat(path);
  }
  Result<void> make_directory(const std::string& path) override {
    return pass([&] { return inner_.make_directory(path); });
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return pass([&] { return inner_.rename(from, to); });
  }
  Result<void> remove(const std::string& path) override {
    return pass([&] { return inner_.remove(path); });
  }
  Result<void> remove_all(const std::string& path) override {
    return pass([&] { return inner_.remove_all(path); });
  }
  Result<void> sync_dir(const std::string& directory) override {
    return pass([&] { return inner_.sync_dir(directory); });
  }
  Result<void> sync_disk(const std::string& path) override {
    return pass([&] { return inner_.sync_disk(path); });
  }
  Result<storage::DiskSpace> space(const std::string& path) override {
    if (const auto error = state_->count()) return *error;
    return inner_.space(path);
  }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return inner_.lock(directory); }

 private:
  struct State {
    std::size_t calls = 0;
    std::size_t countdown = 0;
    Errc error = Errc::io;
    bool has_failed = false;
    bool failed_in_sync = false;
    std::optional<Errc> write_error{};
    bool truncate_fails = false;

    std::optional<Errc> count() {
      ++calls;
      if (countdown == 0 || --countdown != 0) return std::nullopt;
      has_failed = true;
      return error;
    }
  };

  class FaultyFile final : public storage::File {
   public:
    FaultyFile(std::unique_ptr<storage::File> inner, std::shared_ptr<State> state) : inner_(std::move(inner)), state_(std::move(state)) {}

    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
      if (const auto error = state_->count()) return *error;
      return inner_->read_at(position, into);
    }
    Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
      std::optional<Errc> error = state_->count();
      if (!error) error = state_->write_error;
      if (!error) return inner_->write_at(position, parts);
      for (const Bytes part : parts.first((parts.size() + 1) / 2)) {
        const std::vector<Bytes> half{part.first(part.size() / 2)};
        static_cast<void>(inner_->write_at(position, half).has_value());
        position += part.size();
      }
      return *error;
    }
    Result<void> truncate(std::uint64_t size) override {
      if (const auto error = state_->count()) return *error;
      if (state_->truncate_fails) return Errc::io;
      return inner_->truncate(size);
    }
    Result<void> sync() override {
      if (const auto error = state_->count()) return state_->failed_in_sync = true, *error;
      return inner_->sync();
    }
    Result<std::uint64_t> size() const override {
      if (const auto error = state_->count()) return *error;
      return inner_->size();
    }

   private:
    std::unique_ptr<storage::File> inner_;
    std::shared_ptr<State> state_;
  };

  template <class Call>
  Result<void> pass(Call call) {
    if (const auto error = state_->count()) return *error;
    return call();
  }

  storage::FileSystem& inner_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tidelog::testing
