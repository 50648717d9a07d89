#pragma once

#include "storage/disk/file_system.h"

#include <string>
#include <utility>
#include <vector>

namespace tidelog::sim {

/// Two disks under one root: the second one is mounted at a directory of its own, and can be unplugged.
/// Life: both disks outlive it.
class JoinedDisks final : public storage::FileSystem {
 public:
  JoinedDisks(storage::FileSystem& first, storage::FileSystem& second, std::string mounted_at)
      : first_(first), second_(second), mounted_at_(std::move(mounted_at)) {}

  bool is_unplugged = false;
  bool look_like_one = false;  ///< Two directories of one file system.

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    if (is_away(path)) return Errc::io;
    return disk(path).open(path, mode);
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override {
    if (is_away(directory)) return Errc::io;
    return disk(directory).list(directory);
  }
  Result<storage::DirEntry> stat(const std::string& path) override {
    if (is_away(path)) return Errc::io;
    return disk(path).stat(path);
  }
  Result<void> make_directory(const std::string& path) override {
    return is_away(path) ? Result<void>(Errc::io) : disk(path).make_directory(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return is_away(from) ? Result<void>(Errc::io) : disk(from).rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return is_away(path) ? Result<void>(Errc::io) : disk(path).remove(path); }
  Result<void> remove_all(const std::string& path) override { return is_away(path) ? Result<void>(Errc::io) : disk(path).remove_all(path); }
  Result<void> sync_dir(const std::string& directory) override {
    return is_away(directory) ? Result<void>(Errc::io) : disk(directory).sync_dir(directory);
  }
  Result<void> sync_disk(const std::string& path) override { return is_away(path) ? Result<void>(Errc::io) : disk(path).sync_disk(path); }
  Result<std::uint64_t> disk_of(const std::string& path) override { return std::uint64_t{is_on_second(path) && !look_like_one ? 2U : 1U}; }
  Result<storage::DiskSpace> space(const std::string& path) override {
    if (is_away(path)) return Errc::io;
    return disk(path).space(path);
  }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override {
    if (is_away(directory)) return Errc::io;
    return disk(directory).lock(directory);
  }

 private:
  [[nodiscard]] bool is_on_second(const std::string& path) const { return path.starts_with(mounted_at_); }
  [[nodiscard]] bool is_away(const std::string& path) const { return is_unplugged && is_on_second(path); }
  storage::FileSystem& disk(const std::string& path) { return is_on_second(path) ? second_ : first_; }

  storage::FileSystem& first_;
  storage::FileSystem& second_;
  std::string mounted_at_;
};

}  // namespace tidelog::sim
