#pragma once

#include "storage/disk/file_system.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidelog::testing {

/// A disk in memory that knows what was synced: `crash` forgets the rest, names included.
/// Thread: one.
class MemoryFiles final : public storage::FileSystem {
 public:
  struct Inode {
    std::vector<std::byte> bytes;
    std::vector<std::byte> synced;
    /// Where a byte was written since `call_all_clean`; nothing: a sync brings all bytes to the disk.
    std::optional<std::vector<bool>> dirty{};
    /// From here on the file system does not know that the file has contents: what is written and synced reads as zeros after `crash`.
    std::size_t holes_from = SIZE_MAX;

    void write(std::uint64_t position, Bytes part);
    void truncate(std::uint64_t size);
    void sync();
  };

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override;
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override;
  Result<storage::DirEntry> stat(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> sync_dir(const std::string& directory) override;
  Result<void> sync_disk(const std::string& path) override;
  Result<storage::DiskSpace> space(const std::string&) override { return storage::DiskSpace{}; }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override;

  /// Power loss: contents and names go back to what was synced last. Files that are open become orphans.
  void crash();

  /// A write-back failed: what is not synced stays to be read, and counts as clean. As with ext4 no sync brings it to the disk, not even if
  /// it is written anew, unless it is cut off first; other files can have it.
  void call_all_clean();

  [[nodiscard]] bool exists(const std::string& path) const { return files_.contains(path) || directories_.contains(path); }
  /// The contents of a file that must be there; changing them is what a failing disk does, so it counts as synced.
  [[nodiscard]] std::vector<std::byte> contents(const std::string& path) const;
  void set_contents(const std::string& path, std::vector<std::byte> bytes);
  [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
  /// Files that somebody has open.
  [[nodiscard]] int open_files() const { return *open_files_; }

 private:
  std::shared_ptr<int> open_files_ = std::make_shared<int>(0);  ///< Shared with the files: they may outlive the disk.
  std::map<std::string, std::shared_ptr<Inode>> files_;
  std::set<std::string> directories_;
  std::map<std::string, std::shared_ptr<Inode>> synced_files_;
  std::set<std::string> synced_directories_;
};

}  // namespace tidelog::testing
