#include "tests/support/memory_files.h"

#include <algorithm>
#include <cstring>

namespace tidelog::testing {
namespace {

using storage::DirEntry;
using storage::File;
using storage::OpenMode;

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<MemoryFiles::Inode> inode, std::shared_ptr<int> open_files)
      : inode_(std::move(inode)), open_files_(std::move(open_files)) {
    ++*open_files_;
  }
  ~MemoryFile() override { --*open_files_; }

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    const std::vector<std::byte>& bytes = inode_->bytes;
    if (position >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - position);
    std::memcpy(into.data(), bytes.data() + position, count);
    return count;
  }
  Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
    for (const Bytes part : parts) {
      inode_->write(position, part);
      position += part.size();
    }
    return {};
  }
  Result<void> truncate(std::uint64_t size) override { return inode_->truncate(size), Result<void>(); }
  Result<void> sync() override { return inode_->sync(), Result<void>(); }
  Result<std::uint64_t> size() const override { return std::uint64_t{inode_->bytes.size()}; }

 private:
  std::shared_ptr<MemoryFiles::Inode> inode_;
  std::shared_ptr<int> open_files_;
};

}  // namespace

void MemoryFiles::Inode::write(std::uint64_t position, Bytes part) {
  if (bytes.size() < position + part.size()) bytes.resize(position + part.size());
  if (!part.empty()) std::memcpy(bytes.data() + position, part.data(), part.size());
  if (!dirty) return;
  dirty->resize(std::max<std::size_t>(dirty->size(), position + part.size()), true);
  std::fill_n(dirty->begin() + static_cast<std::ptrdiff_t>(position), part.size(), true);
}

void MemoryFiles::Inode::truncate(std::uint64_t size) {
  bytes.resize(size);
  if (dirty && dirty->size() > size) dirty->resize(size);
  if (size <= holes_from) holes_from = SIZE_MAX;
}

void MemoryFiles::Inode::sync() {
  if (!dirty) {
    synced = bytes;
    return;
  }
  synced.resize(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at >= holes_from)
      synced[at] = std::byte{0};
    else if (at >= dirty->size() || (*dirty)[at])
      synced[at] = bytes[at];
  }
}

void MemoryFiles::call_all_clean() {
  for (const auto& [path, inode] : files_) {
    inode->dirty.emplace(inode->bytes.size(), false);
    if (inode->synced.size() < inode->bytes.size()) inode->holes_from = inode->synced.size();
  }
}

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_below(const std::string& path, const std::string& directory) { return path.starts_with(directory + "/"); }

/// Makes the names directly in `directory` in `to` those of `from`.
template <class Names>
void copy_names(const Names& from, Names& to, const std::string& directory, auto name_in) {
  std::erase_if(to, [&](const auto& entry) { return parent_of(name_in(entry)) == directory; });
  for (const auto& entry : from) {
    if (parent_of(name_in(entry)) == directory) to.insert(entry);
  }
}

const std::string& path_of(const std::pair<const std::string, std::shared_ptr<MemoryFiles::Inode>>& entry) { return entry.first; }
const std::string& path_of(const std::string& entry) { return entry; }

}  // namespace

Result<std::unique_ptr<File>> MemoryFiles::open(const std::string& path, OpenMode mode) {
  const auto found = files_.find(path);
  const bool is_there = found != files_.end();
  if (!is_there && (mode == OpenMode::read || mode == OpenMode::write)) return Errc::not_found;
  if (is_there && mode == OpenMode::exclusive) return Errc::exists;
  if (!is_there && !directories_.contains(parent_of(path))) return Errc::not_found;
  const std::shared_ptr<Inode> inode = is_there ? found->second : files_.emplace(path, std::make_shared<Inode>()).first->second;
  if (mode == OpenMode::replace) inode->bytes.clear();
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(inode, open_files_));
}

Result<std::vector<DirEntry>> MemoryFiles::list(const std::string& directory) {
  if (!directories_.contains(directory)) return Errc::not_found;
  std::vector<DirEntry> entries;
  for (const auto& [path, inode] : files_) {
    if (parent_of(path) == directory) entries.push_back({name_of(path), false, inode->bytes.size()});
  }
  for (const std::string& path : directories_) {
    if (parent_of(path) == directory) entries.push_back({name_of(path), true, 0});
  }
  std::ranges::sort(entries, {}, &DirEntry::name);
  return entries;
}

Result<DirEntry> MemoryFiles::stat(const std::string& path) {
  if (directories_.contains(path)) return DirEntry{name_of(path), true, 0};
  const auto found = files_.find(path);
  if (found == files_.end()) return Errc::not_found;
  return DirEntry{name_of(path), false, found->second->bytes.size()};
}

Result<void> MemoryFiles::make_directory(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    directories_.insert(path.substr(0, end));
    if (end == std::string::npos) return {};
  }
}

Result<void> MemoryFiles::rename(const std::string& from, const std::string& to) {
  if (auto node = files_.extract(from)) {
    files_.insert_or_assign(to, std::move(node.mapped()));
    return {};
  }
  if (!directories_.contains(from)) return Errc::not_found;
  std::map<std::string, std::shared_ptr<Inode>> files;
  for (const auto& [path, inode] : files_) files[is_below(path, from) ? to + path.substr(from.size()) : path] = inode;
  std::set<std::string> directories;
  for (const std::string& path : directories_) {
    directories.insert(path == from || is_below(path, from) ? to + path.substr(from.size()) : path);
  }
  files_ = std::move(files);
  directories_ = std::move(directories);
  return {};
}

Result<void> MemoryFiles::remove(const std::string& path) {
  if (files_.erase(path) == 0) return Errc::not_found;
  return {};
}

Result<void> MemoryFiles::remove_all(const std::string& path) {
  std::erase_if(files_, [&](const auto& entry) { return entry.first == path || is_below(entry.first, path); });
  std::erase_if(directories_, [&](const std::string& entry) { return entry == path || is_below(entry, path); });
  return {};
}

Result<void> MemoryFiles::sync_dir(const std::string& directory) {
  if (!directories_.contains(directory)) return Errc::not_found;
  copy_names(files_, synced_files_, directory, [](const auto& entry) { return path_of(entry); });
  copy_names(directories_, synced_directories_, directory, [](const auto& entry) { return path_of(entry); });
  return {};
}

Result<void> MemoryFiles::sync_disk(const std::string&) {
  for (const auto& [path, inode] : files_) inode->sync();
  synced_files_ = files_;
  synced_directories_ = directories_;
  return {};
}

Result<std::unique_ptr<storage::DirLock>> MemoryFiles::lock(const std::string&) {
  return std::unique_ptr<storage::DirLock>(std::make_unique<storage::DirLock>());
}

void MemoryFiles::crash() {
  files_.clear();
  for (const auto& [path, inode] : synced_files_) {
    auto survivor = std::make_shared<Inode>(Inode{inode->synced, inode->synced});
    files_[path] = survivor;
  }
  directories_ = synced_directories_;
  synced_files_ = files_;
}

std::vector<std::byte> MemoryFiles::contents(const std::string& path) const { return files_.at(path)->bytes; }

void MemoryFiles::set_contents(const std::string& path, std::vector<std::byte> bytes) {
  const std::shared_ptr<Inode>& inode = files_.try_emplace(path, std::make_shared<Inode>()).first->second;
  inode->bytes = bytes;
  inode->synced = std::move(bytes);
}

std::vector<std::string> MemoryFiles::names(const std::string& directory) const {
  std::vector<std::string> names;
  for (const auto& [path, inode] : files_) {
    if (parent_of(path) == directory) names.push_back(name_of(path));
  }
  return names;
}

}  // namespace tidelog::testing
