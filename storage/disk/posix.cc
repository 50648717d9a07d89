#include "storage/disk/posix.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

namespace tidelog::storage {
namespace {

constexpr std::size_t kMostVectors = 1024;  // Linux takes no more in one call (IOV_MAX).
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

Errc from_errno(int error) {
  switch (error) {
    case ENOENT: return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY: return Errc::exists;
    case ENOSPC:
    case EDQUOT: return Errc::no_space;
    case EFBIG:
    case EOVERFLOW:
    case ENAMETOOLONG: return Errc::too_large;
    case EINVAL:
    case ENOTDIR:
    case EISDIR: return Errc::invalid;
    case EMFILE:
    case ENFILE:
    case EACCES:
    case EPERM:
    case EROFS: return Errc::refused;
    case EWOULDBLOCK: return Errc::busy;
    default: return Errc::io;
  }
}

Errc last_error() { return from_errno(errno); }

/// Runs a system call again while signals interrupt it.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

Result<void> checked(int result) {
  if (result < 0) return last_error();
  return {};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  explicit PosixFile(int fd) : fd_(fd) {}

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got =
          retried([&] { return ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(position + done)); });
      if (got < 0) return last_error();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override;

  Result<void> truncate(std::uint64_t size) override {
    return checked(retried([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }));
  }

  /// Not repeated on EINTR: whether the interrupted one dropped pages cannot be known.
  Result<void> sync() override { return checked(::fdatasync(fd_.get())); }

  Result<std::uint64_t> size() const override {
    struct stat info{};
    if (::fstat(fd_.get(), &info) < 0) return last_error();
    return static_cast<std::uint64_t>(info.st_size);
  }

  bool is_cached(std::uint64_t position, std::uint64_t size_bytes) const override {
    const std::uint64_t end = position + size_bytes;
    for (std::uint64_t at = position; at < end; at = at / kProbeBytes * kProbeBytes + kProbeBytes) {
      if (!is_byte_cached(at)) return false;
    }
    return size_bytes == 0 || is_byte_cached(end - 1);
  }

  void warm(std::uint64_t position, std::uint64_t size_bytes) const override {
    static_cast<void>(::posix_fadvise(fd_.get(), static_cast<off_t>(position), static_cast<off_t>(size_bytes), POSIX_FADV_WILLNEED));
    // The advice returns before the bytes are there: reading them is what waits.
    const auto scratch = std::make_unique_for_overwrite<std::byte[]>(kProbeBytes);
    for (const std::uint64_t end = position + size_bytes; position < end;) {
      const Result<std::size_t> got = read_at(position, {scratch.get(), std::min<std::size_t>(kProbeBytes, end - position)});
      if (!got || *got == 0) return;
      position += *got;
    }
  }

  int native_handle() const override { return fd_.get(); }

 private:
  /// Only a plain "not without waiting" counts: file systems that cannot tell answer otherwise.
  [[nodiscard]] bool is_byte_cached(std::uint64_t position) const {
    std::byte byte;
    iovec into{.iov_base = &byte, .iov_len = 1};
    return retried([&] { return ::preadv2(fd_.get(), &into, 1, static_cast<off_t>(position), RWF_NOWAIT); }) >= 0 || errno != EAGAIN;
  }

  Descriptor fd_;
};

/// Drops the first `count` bytes of a gathered write that came short; returns how many vectors are used up.
std::size_t skip_written(std::span<iovec> vectors, std::size_t count) {
  std::size_t at = 0;
  while (at < vectors.size() && count >= vectors[at].iov_len) count -= vectors[at++].iov_len;
  if (at < vectors.size()) {
    vectors[at].iov_base = static_cast<std::byte*>(vectors[at].iov_base) + count;
    vectors[at].iov_len -= count;
  }
  return at;
}

Result<void> write_vectors(int fd, std::uint64_t& position, std::span<iovec> vectors) {
  while (!vectors.empty()) {
    const ssize_t put =
        retried([&] { return ::pwritev(fd, vectors.data(), static_cast<int>(vectors.size()), static_cast<off_t>(position)); });
    if (put < 0) return last_error();
    position += static_cast<std::uint64_t>(put);
    const std::size_t used = skip_written(vectors, static_cast<std::size_t>(put));
    if (put == 0 && used == 0) return Errc::io;
    vectors = vectors.subspan(used);
  }
  return {};
}

Result<void> PosixFile::write_at(std::uint64_t position, std::span<const Bytes> parts) {
  std::array<iovec, kMostVectors> vectors;
  while (!parts.empty()) {
    const std::size_t count = std::min<std::size_t>(parts.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};  // NOLINT: the kernel only reads it
    }
    if (const Result<void> done = write_vectors(fd_.get(), position, std::span(vectors.data(), count)); !done) return done.error();
    parts = parts.subspan(count);
  }
  return {};
}

class PosixLock final : public DirLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read: return O_RDONLY;
    case OpenMode::write: return O_RDWR;
    case OpenMode::create: return O_RDWR | O_CREAT;
    case OpenMode::exclusive: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::replace: return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

int open_fd(const std::string& path, int flags) {
  return retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); });
}

DirEntry entry_of(std::string name, const struct stat& info) {
  const bool is_directory = S_ISDIR(info.st_mode);
  return {.name = std::move(name), .is_directory = is_directory, .size_bytes = is_directory ? 0 : static_cast<std::uint64_t>(info.st_size)};
}

/// Removes what `directory` holds, then itself. Links are removed, never followed.
Result<void> remove_tree(FileSystem& files, const std::string& directory) {
  const Result<std::vector<DirEntry>> entries = files.list(directory);
  if (!entries) return entries.error();
  for (const DirEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    const Result<void> removed = entry.is_directory ? remove_tree(files, path) : files.remove(path);
    if (!removed && removed.error() != Errc::not_found) return removed.error();
  }
  return checked(::rmdir(directory.c_str()));
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  const int fd = open_fd(path, flags_of(mode));
  if (fd < 0) return last_error();
  return std::unique_ptr<File>(std::make_unique<PosixFile>(fd));
}

Result<std::vector<DirEntry>> PosixFileSystem::list(const std::string& directory) {
  DIR* stream = ::opendir(directory.c_str());
  if (stream == nullptr) return last_error();
  std::vector<DirEntry> entries;
  const int fd = ::dirfd(stream);
  errno = 0;
  while (const dirent* found = ::readdir(stream)) {
    const std::string_view name = found->d_name;
    struct stat info{};
    // What vanishes between listing and looking is not there.
    const bool is_there = name != "." && name != ".." && ::fstatat(fd, found->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there) entries.push_back(entry_of(std::string(name), info));
    errno = 0;
  }
  const int error = errno;
  ::closedir(stream);
  if (error != 0) return from_errno(error);
  std::ranges::sort(entries, {}, &DirEntry::name);
  return entries;
}

Result<DirEntry> PosixFileSystem::stat(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return last_error();
  const std::size_t slash = path.rfind('/');
  return entry_of(slash == std::string::npos ? path : path.substr(slash + 1), info);
}

Result<void> PosixFileSystem::make_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat info{};
    if (::mkdir(part.c_str(), kDirectoryMode) < 0) {
      const int error = errno;
      const bool is_there = ::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode);  // EEXIST, or EROFS above a mount point
      if (!is_there) return error == EEXIST ? Errc::exists : from_errno(error);
    }
    if (end == std::string::npos) return {};
  }
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) { return checked(::rename(from.c_str(), to.c_str())); }

Result<void> PosixFileSystem::remove(const std::string& path) { return checked(::unlink(path.c_str())); }

Result<void> PosixFileSystem::remove_all(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) {
    if (errno == ENOENT) return {};
    return last_error();
  }
  return S_ISDIR(info.st_mode) ? remove_tree(*this, path) : remove(path);
}

Result<void> PosixFileSystem::sync_dir(const std::string& directory) {
  const Descriptor fd(open_fd(directory, O_RDONLY | O_DIRECTORY));
  if (!fd.is_open()) return last_error();
  return checked(::fsync(fd.get()));
}

PosixFileSystem::~PosixFileSystem() {
  for (const auto& [path, fd] : disks_) ::close(fd);
}

/// One descriptor for good: the system tells it of every failed write-back since it was opened, a new one maybe not.
Result<int> PosixFileSystem::descriptor_of(const std::string& path) {
  const std::scoped_lock lock(disks_mutex_);
  if (const auto known = disks_.find(path); known != disks_.end()) return known->second;
  const int fd = open_fd(path, O_RDONLY);
  if (fd < 0) return last_error();
  return disks_.emplace(path, fd).first->second;
}

Result<void> PosixFileSystem::sync_disk(const std::string& path) {
  const Result<int> disk = descriptor_of(path);
  if (!disk) return disk.error();
  return checked(::syncfs(*disk));
}

Result<std::uint64_t> PosixFileSystem::disk_of(const std::string& path) {
  constexpr std::uint64_t kBtrfs = 0x9123683E;
  struct statfs kind{};
  struct stat info{};
  if (retried([&] { return ::statfs(path.c_str(), &kind); }) < 0 || ::stat(path.c_str(), &info) < 0) return last_error();
  // Its subvolumes have numbers of their own, and which file system they are of is not said: all are taken for one.
  if (static_cast<std::uint64_t>(kind.f_type) == kBtrfs) return kBtrfs;
  return static_cast<std::uint64_t>(info.st_dev);
}

Result<DiskSpace> PosixFileSystem::space(const std::string& path) {
  struct statvfs about{};
  if (retried([&] { return ::statvfs(path.c_str(), &about); }) < 0) return last_error();
  // Blocks kept for the superuser are no use to a process.
  return DiskSpace{.total_bytes = std::uint64_t{about.f_blocks} * about.f_frsize,
                   .usable_bytes = std::uint64_t{about.f_bavail} * about.f_frsize};
}

Result<std::unique_ptr<DirLock>> PosixFileSystem::lock(const std::string& directory) {
  // Who locks a directory will write below it: from now on no failure of its disk goes unheard.
  if (const Result<int> disk = descriptor_of(directory); !disk) return disk.error();
  const int fd = open_fd(directory + "/.lock", O_RDWR | O_CREAT);
  if (fd < 0) return last_error();
  auto lock = std::make_unique<PosixLock>(fd);
  if (retried([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) < 0) return last_error();
  return std::unique_ptr<DirLock>(std::move(lock));
}

}  // namespace tidelog::storage
