#pragma once

#include "storage/disk/file_system.h"

#include <map>
#include <mutex>

namespace tidelog::storage {

/// The disks of this machine. Files are made for the owner alone (0600, directories 0700).
class PosixFileSystem final : public FileSystem {
 public:
  PosixFileSystem() = default;
  ~PosixFileSystem() override;
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<DirEntry>> list(const std::string& directory) override;
  Result<DirEntry> stat(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> sync_dir(const std::string& directory) override;
  Result<void> sync_disk(const std::string& path) override;
  Result<std::uint64_t> disk_of(const std::string& path) override;
  Result<DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<DirLock>> lock(const std::string& directory) override;

 private:
  Result<int> descriptor_of(const std::string& path);

  std::mutex disks_mutex_;
  std::map<std::string, int> disks_;  ///< What `sync_disk` syncs, by path.
};

}  // namespace tidelog::storage
