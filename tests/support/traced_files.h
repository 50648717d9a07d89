#pragma once

#include "storage/disk/file_system.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::testing {

/// The last part of a path, offsets in it shortened to four digits.
inline std::string short_name(const std::string& path) {
  constexpr std::size_t kKept = 4;
  const std::string zeros(20 - kKept, '0');
  std::string name = path.substr(path.rfind('/') + 1);
  for (std::size_t at = name.find(zeros); at != std::string::npos; at = name.find(zeros, at + kKept)) name.erase(at, zeros.size());
  return name;
}

/// Passes calls on to another file system and writes down, in order and in a line each, what changes the disk and what makes a change
/// durable. Reads are left out, and so is what changed nothing: opening a file that is there, removing one that is not.
/// A file that is open goes by the name that it was renamed to.
/// Life: the other file system outlives it and every file opened through it.
/// Thread: one.
class TracedFiles final : public storage::FileSystem {
 public:
  explicit TracedFiles(storage::FileSystem& inner) : inner_(inner) {}

  /// What happened since this was asked last, behind an empty line: so it equals a raw string that begins on a line of its own. Nothing at
  /// all: empty.
  [[nodiscard]] std::string take() { return lines_->empty() ? std::string() : "\n" + std::exchange(*lines_, {}); }

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    const bool may_change = mode != storage::OpenMode::read && mode != storage::OpenMode::write;
    const bool is_there = !may_change || inner_.stat(path).has_value();
    Result<std::unique_ptr<storage::File>> file = inner_.open(path, mode);
    if (!is_there) note("create " + short_name(path), file.has_value());
    if (!file) return file.error();
    if (is_there && mode == storage::OpenMode::replace) note("empty " + short_name(path), true);
    return std::unique_ptr<storage::File>(std::make_unique<TracedFile>(std::move(*file), name_of(path), lines_));
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override { return inner_.list(directory); }
  Result<storage::DirEntry> stat(const std::string& path) override { return inner_.stat(path); }
  Result<void> make_directory(const std::string& path) override {
    const bool is_there = inner_.stat(path).has_value();
    const Result<void> made = inner_.make_directory(path);
    if (!is_there) note("mkdir " + short_name(path), made.has_value());
    return made;
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    const Result<void> renamed = inner_.rename(from, to);
    if (renamed) move_names(from, to);
    note("rename " + short_name(from) + " " + short_name(to), renamed.has_value());
    return renamed;
  }
  Result<void> remove(const std::string& path) override {
    const Result<void> removed = inner_.remove(path);
    if (removed) names_.erase(path);
    if (removed || removed.error() != Errc::not_found) note("remove " + short_name(path), removed.has_value());
    return removed;
  }
  Result<void> remove_all(const std::string& path) override {
    const Result<void> removed = inner_.remove_all(path);
    std::erase_if(names_, [&](const auto& each) { return each.first.starts_with(path + "/"); });
    note("remove-all " + short_name(path), removed.has_value());
    return removed;
  }
  Result<void> sync_dir(const std::string& directory) override {
    const Result<void> synced = inner_.sync_dir(directory);
    note("sync-dir " + short_name(directory), synced.has_value());
    return synced;
  }
  Result<void> sync_disk(const std::string& path) override {
    const Result<void> synced = inner_.sync_disk(path);
    note("sync-disk " + short_name(path), synced.has_value());
    return synced;
  }
  Result<storage::DiskSpace> space(const std::string& path) override { return inner_.space(path); }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return inner_.lock(directory); }

 private:
  using Lines = std::shared_ptr<std::string>;
  using Name = std::shared_ptr<std::string>;  ///< Shared by all that have the file open, who see it change.

  static void write_line(std::string& lines, const std::string& what, bool is_done) { lines += what + (is_done ? "\n" : " failed\n"); }
  void note(const std::string& what, bool is_done) { write_line(*lines_, what, is_done); }

  class TracedFile final : public storage::File {
   public:
    TracedFile(std::unique_ptr<storage::File> inner, Name name, Lines lines)
        : inner_(std::move(inner)), name_(std::move(name)), lines_(std::move(lines)) {}

    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override { return inner_->read_at(position, into); }
    Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
      std::size_t bytes = 0;
      for (const Bytes part : parts) bytes += part.size();
      const Result<void> written = inner_->write_at(position, parts);
      note("write " + *name_ + " " + std::to_string(position) + "+" + std::to_string(bytes), written.has_value());
      return written;
    }
    Result<void> truncate(std::uint64_t size) override {
      const Result<void> truncated = inner_->truncate(size);
      note("truncate " + *name_ + " " + std::to_string(size), truncated.has_value());
      return truncated;
    }
    Result<void> sync() override {
      const Result<void> synced = inner_->sync();
      note("sync " + *name_, synced.has_value());
      return synced;
    }
    Result<std::uint64_t> size() const override { return inner_->size(); }
    bool is_cached(std::uint64_t position, std::uint64_t size_bytes) const override { return inner_->is_cached(position, size_bytes); }
    void warm(std::uint64_t position, std::uint64_t size_bytes) const override { inner_->warm(position, size_bytes); }
    int native_handle() const override { return inner_->native_handle(); }

   private:
    void note(const std::string& what, bool is_done) { write_line(*lines_, what, is_done); }

    std::unique_ptr<storage::File> inner_;
    Name name_;
    Lines lines_;
  };

  Name name_of(const std::string& path) {
    Name& name = names_[path];
    if (name == nullptr) name = std::make_shared<std::string>(short_name(path));
    return name;
  }

  void move_names(const std::string& from, const std::string& to) {
    std::map<std::string, Name> moved;
    for (const auto& [path, name] : names_) {
      if (path == to) continue;  // It was replaced: whoever has it open keeps it under its old name.
      if (path == from) *name = short_name(to);
      const bool goes_along = path == from || path.starts_with(from + "/");
      moved[goes_along ? to + path.substr(from.size()) : path] = name;
    }
    names_ = std::move(moved);
  }

  storage::FileSystem& inner_;
  Lines lines_ = std::make_shared<std::string>();
  std::map<std::string, Name> names_;  ///< By path.
};

}  // namespace tidelog::testing
