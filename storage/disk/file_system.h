#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidelog::storage {

/// How far apart `File::is_cached` probes: what the system reads ahead at least.
inline constexpr std::uint64_t kProbeBytes = 128 * 1024;

/// One open file. The port through which every byte of ours reaches a disk: production is POSIX, the simulator keeps what was synced
/// apart from what was only written.
/// Thread: positions are arguments, so reads may run beside writes; `sync` may run on another thread than `write_at`.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  /// Fills `into` from `position`; fewer bytes only where the file ends.
  virtual Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const = 0;
  /// Writes all parts one behind the other, as one gathered write where the system allows. On error any prefix may be there: cut it off.
  virtual Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// fdatasync: returns once contents and size survive power loss. A failure is final: the caller must not retry (the page cache may
  /// have dropped what failed and call it clean).
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
  /// Whether the range lies in memory, so that reading or sending it does not wait for the disk. A guess: one page of each
  /// `kProbeBytes` is asked for, and memory may be taken back any time. True where it cannot be known.
  virtual bool is_cached(std::uint64_t position, std::uint64_t size_bytes) const {
    static_cast<void>(position + size_bytes);
    return true;
  }
  /// Brings the range into memory, as far as the file goes. Waits for the disk: for threads that may. A failure shows when it is read.
  virtual void warm(std::uint64_t position, std::uint64_t size_bytes) const { static_cast<void>(position + size_bytes); }
  /// File descriptor for sendfile, -1 where there is none (the simulator): then read and copy.
  virtual int native_handle() const { return -1; }
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size_bytes = 0;  ///< 0 for directories
};

enum class OpenMode : std::uint8_t {
  read,       ///< Must exist.
  write,      ///< Read and write; must exist.
  create,     ///< Read and write; made if missing, contents kept.
  exclusive,  ///< Read and write; must not exist.
  replace,    ///< Read and write; made if missing, contents dropped.
};

/// What a disk can hold, and how much of that this process may still use.
struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t usable_bytes = 0;
};

/// Held while a process owns a directory; dropping it lets go.
class DirLock {
 public:
  DirLock() = default;
  DirLock(const DirLock&) = delete;
  DirLock& operator=(const DirLock&) = delete;
  virtual ~DirLock() = default;
};

/// Directories and names. Creations, renames and removals survive power loss only after `sync_dir` of the folder that holds the name.
/// Paths are absolute or relative to the process; separators are '/'.
/// Thread: any; calls may overlap.
class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Entries of a directory, sorted by name, without "." and "..".
  virtual Result<std::vector<DirEntry>> list(const std::string& directory) = 0;
  virtual Result<DirEntry> stat(const std::string& path) = 0;
  /// Makes the directory and its missing parents; no error if it is there.
  virtual Result<void> make_directory(const std::string& path) = 0;
  /// Replaces `to` if it is a file; both on one disk.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Removes a directory and everything in it; no error if it is not there.
  virtual Result<void> remove_all(const std::string& path) = 0;
  virtual Result<void> sync_dir(const std::string& directory) = 0;
  /// syncfs of the disk that holds `path`: everything written so far, names included. Cheaper than many single syncs.
  virtual Result<void> sync_disk(const std::string& path) = 0;
  /// Tells file systems apart: the same number for all paths on one. Where it cannot be known, all are taken for one.
  virtual Result<std::uint64_t> disk_of(const std::string& path) {
    static_cast<void>(path);
    return std::uint64_t{0};
  }
  /// Of the disk that holds `path`.
  virtual Result<DiskSpace> space(const std::string& path) = 0;
  /// Locks `directory`/.lock for this process; `Errc::busy` if another process holds it.
  virtual Result<std::unique_ptr<DirLock>> lock(const std::string& directory) = 0;
};

/// Reads a whole file of at most `limit_bytes`; larger: `Errc::too_large`.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes);

/// Replaces a file as one step that survives power loss: write beside it, sync, rename, sync the folder.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view contents);

}  // namespace tidelog::storage
