#include "tests/sim/disk.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace tidelog::sim {

using storage::DirEntry;
using storage::OpenMode;

class SimFile;

/// What handles and locks know of the disk they belong to.
struct SimDisk::State {
  SimDisk* disk;
  std::uint64_t generation = 0;  ///< Rises with every crash: older locks are void.
  std::set<std::string> locked;
  std::set<SimFile*> handles;  ///< Never walked in an order that matters.

  void end_handles();
};

/// A name and the directory that has it, or would.
struct SimDisk::Place {
  std::shared_ptr<DirectoryInode> parent;
  std::string name;
  const Node* node;  ///< Null: the name leads nowhere.
};

namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    if (!part.empty() && part != ".") parts.push_back(part);
    at = end + 1;
  }
  return parts;
}

template <class Visit>
void for_each_inode(const Node& node, const std::string& path, const Visit& visit) {
  visit(node, path);
  if (!node.is_directory()) return;
  for (const auto& [name, child] : node.directory->names()) for_each_inode(child, path + "/" + name, visit);
}

}  // namespace

class SimFile final : public storage::File {
 public:
  SimFile(std::shared_ptr<SimDisk::State> state, std::shared_ptr<FileInode> inode, bool is_writable)
      : state_(std::move(state)), inode_(std::move(inode)), is_writable_(is_writable) {
    state_->handles.insert(this);
  }
  ~SimFile() override { state_->handles.erase(this); }

  /// A crash: a handle that leaked with its coroutine must not keep the bytes.
  void end() { inode_ = nullptr; }

  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    if (is_dead()) return Errc::io;
    if (disk().strikes(disk().read_faults_, disk().faults.read_errors, disk().faults.read_error_per_mille)) return Errc::io;
    const std::vector<std::byte>& bytes = inode_->current();
    if (position >= bytes.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(into.size(), bytes.size() - position);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), n, into.begin());
    return n;
  }

  Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
    if (is_dead() || !is_writable_) return Errc::io;
    std::vector<std::byte> bytes;
    for (const Bytes part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    disk().world_.charge(SteadyTime(disk().latency_.below(disk().faults.write_latency_ns + 1)));
    const bool is_full = !disk().room_for(*inode_, position + bytes.size());
    const bool fails = disk().strikes(disk().write_faults_, disk().faults.write_errors, disk().faults.write_error_per_mille);
    if (!is_full && !fails) {
      write(position, bytes);
      return {};
    }
    // Any prefix may be there.
    write(position, Bytes(bytes).first(is_full ? 0 : disk().write_faults_.below(bytes.size() + 1)));
    return is_full ? Errc::no_space : Errc::io;
  }

  Result<void> truncate(std::uint64_t size) override {
    if (is_dead() || !is_writable_) return Errc::io;
    disk().before_change();
    inode_->truncate(size);
    return {};
  }

  Result<void> sync() override {
    if (is_dead()) return Errc::io;
    disk().world_.charge(SteadyTime(disk().latency_.below(disk().faults.sync_latency_ns + 1)));
    disk().before_change();
    if (disk().strikes(disk().sync_faults_, disk().faults.sync_errors, disk().faults.sync_error_per_mille)) {
      inode_->lose_pending();
      disk().world_.mark("a sync failed");
      return Errc::io;
    }
    inode_->sync();
    return {};
  }

  Result<std::uint64_t> size() const override {
    if (is_dead()) return Errc::io;
    return inode_->size();
  }

  bool is_cached(std::uint64_t, std::uint64_t) const override {
    if (is_dead() || !disk().cold_.chance(disk().faults.cold_per_mille)) return true;
    disk().world_.mark("a read was cold");
    return false;
  }

 private:
  [[nodiscard]] bool is_dead() const { return inode_ == nullptr; }
  [[nodiscard]] SimDisk& disk() const { return *state_->disk; }

  void write(std::uint64_t position, Bytes bytes) {
    disk().before_change();
    inode_->write(position, bytes);
  }

  std::shared_ptr<SimDisk::State> state_;
  std::shared_ptr<FileInode> inode_;  ///< Null once its process crashed.
  bool is_writable_;
};

void SimDisk::State::end_handles() {
  for (SimFile* handle : std::exchange(handles, {})) handle->end();
}

class SimDirLock final : public storage::DirLock {
 public:
  SimDirLock(std::shared_ptr<SimDisk::State> state, std::string path)
      : state_(std::move(state)), generation_(state_->generation), path_(std::move(path)) {}
  ~SimDirLock() override {
    if (state_->generation == generation_) state_->locked.erase(path_);
  }

 private:
  std::shared_ptr<SimDisk::State> state_;
  std::uint64_t generation_;
  std::string path_;
};

SimDisk::SimDisk(World& world, Dice dice)
    : world_(world),
      dice_(dice),
      sync_faults_(dice.split("sync")),
      write_faults_(dice.split("write")),
      read_faults_(dice.split("read")),
      cold_(dice.split("cold")),
      latency_(dice.split("latency")),
      losses_(dice.split("losses")),
      state_(std::make_shared<State>()) {
  root_.directory = std::make_shared<DirectoryInode>();
  state_->disk = this;
}

SimDisk::~SimDisk() {
  ++state_->generation;
  state_->end_handles();
}

Result<SimDisk::Place> SimDisk::locate(const std::string& path) const {
  const std::vector<std::string> parts = split_path(path);
  if (parts.empty()) return Errc::invalid;
  std::shared_ptr<DirectoryInode> parent = root_.directory;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const Node* next = parent->find(parts[i]);
    if (next == nullptr || !next->is_directory()) return Errc::not_found;
    parent = next->directory;
  }
  const Node* node = parent->find(parts.back());
  return Place{.parent = std::move(parent), .name = parts.back(), .node = node};
}

Result<std::shared_ptr<DirectoryInode>> SimDisk::find_directory(const std::string& path) const {
  if (split_path(path).empty()) return root_.directory;
  const Result<Place> place = locate(path);
  if (!place) return place.error();
  if (place->node == nullptr || !place->node->is_directory()) return Errc::not_found;
  return place->node->directory;
}

void SimDisk::before_change() {
  ++changes_;
  if (changes_ < stop_at_) return;
  stop_now();
  on_stop_();
}

void SimDisk::stop_now() {
  stop_at_ = UINT64_MAX;
  if (!stopped_as_) stopped_as_ = deep_copy(root_);
}

bool SimDisk::strikes(Dice& dice, std::uint64_t& budget, std::uint64_t per_mille) {
  if (budget == 0 || !dice.chance(per_mille)) return false;
  --budget;
  ++failures_;
  world_.say([] { return std::string("disk: a call fails"); });
  return true;
}

Result<void> SimDisk::room_for(const FileInode& file, std::uint64_t end) {
  if (faults.capacity_bytes == UINT64_MAX || end <= file.size()) return {};
  if (used_bytes() + (end - file.size()) <= faults.capacity_bytes) return {};
  ++failures_;
  world_.say([] { return std::string("disk: full"); });
  return Errc::no_space;
}

namespace {

constexpr const char* kBootIdPath = "/proc/sys/kernel/random/boot_id";

/// A file of the kernel: it has no size, and cannot be changed.
class BootIdFile final : public storage::File {
 public:
  explicit BootIdFile(std::uint64_t boot) : text_("00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + boot) + "\n") {}
  Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override {
    if (position >= text_.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), text_.size() - static_cast<std::size_t>(position));
    std::memcpy(into.data(), text_.data() + position, count);
    return count;
  }
  Result<void> write_at(std::uint64_t, std::span<const Bytes>) override { return Errc::refused; }
  Result<void> truncate(std::uint64_t) override { return Errc::refused; }
  Result<void> sync() override { return Errc::refused; }
  Result<std::uint64_t> size() const override { return std::uint64_t{0}; }

 private:
  std::string text_;
};

}  // namespace

Result<std::unique_ptr<storage::File>> SimDisk::open(const std::string& path, OpenMode mode) {
  if (path == kBootIdPath && mode == OpenMode::read) return std::unique_ptr<storage::File>(std::make_unique<BootIdFile>(boots_));
  const Result<Place> place = locate(path);
  if (!place) return place.error();
  if (place->node != nullptr && place->node->is_directory()) return Errc::invalid;
  std::shared_ptr<FileInode> inode = place->node == nullptr ? nullptr : place->node->file;
  if (inode != nullptr && mode == OpenMode::exclusive) {
    world_.say([&] { return "disk: " + path + " exists already"; });
    return Errc::exists;
  }
  if (inode == nullptr && (mode == OpenMode::read || mode == OpenMode::write)) {
    world_.say([&] { return "disk: there is no " + path; });
    return Errc::not_found;
  }
  if (inode == nullptr) {
    before_change();
    inode = std::make_shared<FileInode>();
    place->parent->link(place->name, {.file = inode, .directory = nullptr});
  } else if (mode == OpenMode::replace) {
    before_change();
    inode->truncate(0);
  }
  return std::unique_ptr<storage::File>(std::make_unique<SimFile>(state_, std::move(inode), mode != OpenMode::read));
}

Result<std::vector<DirEntry>> SimDisk::list(const std::string& directory) {
  const Result<std::shared_ptr<DirectoryInode>> found = find_directory(directory);
  if (!found) return found.error();
  std::vector<DirEntry> entries;
  for (const auto& [name, node] : (*found)->names()) {
    entries.push_back({.name = name, .is_directory = node.is_directory(), .size_bytes = node.is_directory() ? 0 : node.file->size()});
  }
  return entries;
}

Result<DirEntry> SimDisk::stat(const std::string& path) {
  if (split_path(path).empty()) return DirEntry{.name = "/", .is_directory = true};
  const Result<Place> place = locate(path);
  if (!place) return place.error();
  if (place->node == nullptr) return Errc::not_found;
  const bool is_directory = place->node->is_directory();
  return DirEntry{.name = place->name, .is_directory = is_directory, .size_bytes = is_directory ? 0 : place->node->file->size()};
}

Result<void> SimDisk::make_directory(const std::string& path) {
  std::shared_ptr<DirectoryInode> at = root_.directory;
  for (const std::string& part : split_path(path)) {
    if (at->find(part) == nullptr) {
      before_change();
      at->link(part, {.file = nullptr, .directory = std::make_shared<DirectoryInode>()});
    }
    const Node* next = at->find(part);
    if (!next->is_directory()) return Errc::exists;
    at = next->directory;
  }
  return {};
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  const Result<Place> source = locate(from);
  if (!source) return source.error();
  if (source->node == nullptr) return Errc::not_found;
  const Result<Place> target = locate(to);
  if (!target) return target.error();
  const bool takes_place = target->node != nullptr;
  if (takes_place && (target->node->is_directory() || source->node->is_directory())) return Errc::exists;
  before_change();
  if (source->parent == target->parent) {
    source->parent->rename(source->name, target->name);
  } else {
    const Node node = *source->node;
    target->parent->link(target->name, node);
    source->parent->unlink(source->name);
  }
  return {};
}

Result<void> SimDisk::remove(const std::string& path) {
  const Result<Place> place = locate(path);
  if (!place) return place.error();
  if (place->node == nullptr) return Errc::not_found;
  if (place->node->is_directory() && !place->node->directory->names().empty()) return Errc::invalid;
  before_change();
  place->parent->unlink(place->name);
  return {};
}

Result<void> SimDisk::remove_all(const std::string& path) {
  const Result<Place> place = locate(path);
  if (!place || place->node == nullptr) return {};
  if (place->node->is_directory()) {
    const std::shared_ptr<DirectoryInode> directory = place->node->directory;
    std::vector<std::string> names;
    for (const auto& [name, node] : directory->names()) names.push_back(name);
    for (const std::string& name : names) {
      if (Result<void> ok = remove_all(path + "/" + name); !ok) return ok;
    }
  }
  before_change();
  place->parent->unlink(place->name);
  return {};
}

Result<void> SimDisk::sync_dir(const std::string& directory) {
  const Result<std::shared_ptr<DirectoryInode>> found = find_directory(directory);
  if (!found) return found.error();
  before_change();
  (*found)->sync();
  return {};
}

Result<void> SimDisk::sync_disk(const std::string&) {
  before_change();
  for_each_inode(root_, "", [](const Node& node, const std::string&) {
    if (node.is_directory()) {
      node.directory->sync();
    } else {
      node.file->sync();
    }
  });
  return {};
}

Result<std::unique_ptr<storage::DirLock>> SimDisk::lock(const std::string& directory) {
  if (const Result<std::shared_ptr<DirectoryInode>> found = find_directory(directory); !found) return found.error();
  if (!state_->locked.insert(directory).second) return Errc::busy;
  return std::unique_ptr<storage::DirLock>(std::make_unique<SimDirLock>(state_, directory));
}

Losses SimDisk::crash(CrashKind kind, const PowerLoss& how) {
  ++state_->generation;
  if (kind == CrashKind::power_loss) ++boots_;
  state_->locked.clear();
  state_->end_handles();
  stop_at_ = UINT64_MAX;
  failures_ = 0;
  if (stopped_as_) root_ = *std::exchange(stopped_as_, std::nullopt);
  Losses losses;
  // A directory loses names before it is walked, so that only what survived is visited.
  for_each_inode(root_, "", [&](const Node& node, const std::string& path) {
    if (kind == CrashKind::process_kill) {
      if (!node.is_directory()) node.file->evict_lost();
      return;
    }
    Dice dice = losses_.split(path).split(state_->generation);
    if (node.is_directory()) {
      node.directory->lose_power(how, dice, losses);
    } else {
      node.file->lose_power(how, dice, losses);
    }
  });
  return losses;
}

void SimDisk::stop_after(std::uint64_t changes, std::function<void()> on_stop) {
  stop_at_ = changes_ + std::max<std::uint64_t>(changes, 1);
  on_stop_ = std::move(on_stop);
}

Result<storage::DiskSpace> SimDisk::space(const std::string&) {
  const std::uint64_t used = used_bytes();
  return storage::DiskSpace{.total_bytes = faults.capacity_bytes,
                            .usable_bytes = faults.capacity_bytes - std::min(used, faults.capacity_bytes)};
}

std::uint64_t SimDisk::used_bytes() const {
  std::uint64_t sum = 0;
  for_each_inode(root_, "", [&](const Node& node, const std::string&) { sum += node.is_directory() ? 0 : node.file->size(); });
  return sum;
}

std::shared_ptr<FileInode> SimDisk::file(const std::string& path) const {
  const Result<Place> place = locate(path);
  return place && place->node != nullptr ? place->node->file : nullptr;
}

std::vector<std::string> SimDisk::all_files() const {
  std::vector<std::string> paths;
  for_each_inode(root_, "", [&](const Node& node, const std::string& path) {
    if (!node.is_directory()) paths.push_back(path);
  });
  return paths;
}

}  // namespace tidelog::sim
