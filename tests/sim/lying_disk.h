#pragma once

#include "storage/disk/file_system.h"

namespace tidelog::sim {

/// A mutant of any disk: `File::sync` says yes and does nothing, so whoever trusts it acknowledges before the bytes are safe. Names stay
/// true: this is about records. A simulator that does not notice it proves nothing.
class LyingDisk final : public storage::FileSystem {
 public:
  /// Lies about files whose path contains `about`.
  LyingDisk(storage::FileSystem& disk, std::string about) : disk_(disk), about_(std::move(about)) {}

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    Result<std::unique_ptr<storage::File>> file = disk_.open(path, mode);
    if (!file || path.find(about_) == std::string::npos) return file;
    return std::unique_ptr<storage::File>(std::make_unique<LyingFile>(std::move(*file)));
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override { return disk_.list(directory); }
  Result<storage::DirEntry> stat(const std::string& path) override { return disk_.stat(path); }
  Result<void> make_directory(const std::string& path) override { return disk_.make_directory(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return disk_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return disk_.remove(path); }
  Result<void> remove_all(const std::string& path) override { return disk_.remove_all(path); }
  Result<void> sync_dir(const std::string& directory) override { return disk_.sync_dir(directory); }
  Result<void> sync_disk(const std::string& path) override { return disk_.sync_disk(path); }
  Result<storage::DiskSpace> space(const std::string& path) override { return disk_.space(path); }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return disk_.lock(directory); }

 private:
  class LyingFile final : public storage::File {
   public:
    explicit LyingFile(std::unique_ptr<storage::File> file) : file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override { return file_->read_at(position, into); }
    Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override { return file_->write_at(position, parts); }
    Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<void> sync() override { return {}; }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    std::unique_ptr<storage::File> file_;
  };

  storage::FileSystem& disk_;
  std::string about_;
};

}  // namespace tidelog::sim
