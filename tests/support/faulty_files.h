#pragma once

#include "storage/disk/file_system.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::testing {

/// Passes calls on to another file system, counts them, and fails the n-th. A write that fails leaves half of its bytes behind, unless
/// it is refused.
/// Life: the other file system outlives it and every file opened through it.
class FaultyFiles final : public storage::FileSystem {
 public:
  explicit FaultyFiles(storage::FileSystem& inner) : inner_(inner) {}

  /// The `call`-th call from now on fails (1: the next one), once.
  void fail_call(std::size_t call, Errc error = Errc::io) {
    state_->countdown = call;
    state_->error = error;
  }
  /// The next call of this name fails, once: "sync_disk", "open", ...
  void fail_next(std::string call, Errc error = Errc::io) {
    state_->next_to_fail = std::move(call);
    state_->error = error;
  }
  /// Every write fails until `heal`; and cutting back as well, if asked for. `Errc::refused`: nothing is opened for writing, either.
  void fail_writes(Errc error, bool also_truncate = false) {
    state_->write_error = error;
    state_->truncate_fails = also_truncate;
  }
  void heal() { *state_ = State{.calls = state_->calls}; }
  [[nodiscard]] std::size_t calls() const { return state_->calls; }
  /// Whether the call that was to fail has come.
  [[nodiscard]] bool has_failed() const { return state_->has_failed; }
  /// Which call it was, for people.
  [[nodiscard]] const std::string& failed_call() const { return state_->failed_call; }
  [[nodiscard]] bool failed_in_sync() const { return state_->failed_in_sync; }

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    if (const auto error = state_->count("open", path)) return *error;
    if (mode != storage::OpenMode::read && state_->write_error == Errc::refused) return Errc::refused;
    Result<std::unique_ptr<storage::File>> file = inner_.open(path, mode);
    if (!file) return file.error();
    return std::unique_ptr<storage::File>(std::make_unique<FaultyFile>(std::move(*file), path, state_));
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override {
    if (const auto error = state_->count("list", directory)) return *error;
    return inner_.list(directory);
  }
  Result<storage::DirEntry> stat(const std::string& path) override {
    if (const auto error = state_->count("stat", path)) return *error;
    return inner_.stat(path);
  }
  Result<void> make_directory(const std::string& path) override {
    return pass("make_directory", path, [&] { return inner_.make_directory(path); });
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return pass("rename", from, [&] { return inner_.rename(from, to); });
  }
  Result<void> remove(const std::string& path) override {
    return pass("remove", path, [&] { return inner_.remove(path); });
  }
  Result<void> remove_all(const std::string& path) override {
    return pass("remove_all", path, [&] { return inner_.remove_all(path); });
  }
  Result<void> sync_dir(const std::string& directory) override {
    return pass("sync_dir", directory, [&] { return inner_.sync_dir(directory); });
  }
  Result<void> sync_disk(const std::string& path) override {
    return pass("sync_disk", path, [&] { return inner_.sync_disk(path); });
  }
  Result<storage::DiskSpace> space(const std::string& path) override {
    if (const auto error = state_->count("space", path)) return *error;
    return inner_.space(path);
  }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return inner_.lock(directory); }

 private:
  struct State {
    std::size_t calls = 0;
    std::size_t countdown = 0;
    std::string next_to_fail{};
    Errc error = Errc::io;
    bool has_failed = false;
    std::string failed_call{};
    bool failed_in_sync = false;
    std::optional<Errc> write_error{};
    bool truncate_fails = false;

    std::optional<Errc> count(const char* call, const std::string& path) {
      ++calls;
      const bool is_named = !next_to_fail.empty() && next_to_fail == call;
      if (is_named) next_to_fail.clear();
      if (!is_named && (countdown == 0 || --countdown != 0)) return std::nullopt;
      has_failed = true;
      failed_call = std::string(call) + " " + path;
      return error;
    }
  };

  class FaultyFile final : public storage::File {
   public:
    FaultyFile(std::unique_ptr<storage::File> inner, std::string path, std::shared_ptr<State> state)
        : inner_(std::move(inner)), path_(std::move(path)), state_(std::move(state)) {}

    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
      if (const auto error = state_->count("read", path_)) return *error;
      return inner_->read_at(position, into);
    }
    Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
      std::optional<Errc> error = state_->count("write", path_);
      if (!error) error = state_->write_error;
      if (!error) return inner_->write_at(position, parts);
      if (*error == Errc::refused) return *error;  // A disk that is read-only takes nothing.
      for (const Bytes part : parts.first((parts.size() + 1) / 2)) {
        const std::vector<Bytes> half{part.first(part.size() / 2)};
        static_cast<void>(inner_->write_at(position, half).has_value());
        position += part.size();
      }
      return *error;
    }
    Result<void> truncate(std::uint64_t size) override {
      if (const auto error = state_->count("truncate", path_)) return *error;
      if (state_->truncate_fails) return Errc::io;
      return inner_->truncate(size);
    }
    Result<void> sync() override {
      if (const auto error = state_->count("sync", path_)) return state_->failed_in_sync = true, *error;
      return inner_->sync();
    }
    Result<std::uint64_t> size() const override {
      if (const auto error = state_->count("size", path_)) return *error;
      return inner_->size();
    }

   private:
    std::unique_ptr<storage::File> inner_;
    std::string path_;
    std::shared_ptr<State> state_;
  };

  template <class Call>
  Result<void> pass(const char* name, const std::string& path, Call call) {
    if (const auto error = state_->count(name, path)) return *error;
    return call();
  }

  storage::FileSystem& inner_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tidelog::testing
