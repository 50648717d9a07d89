#include "tests/sim/inode.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidelog::sim {
namespace {

constexpr std::uint64_t kSmallSector = 512;
constexpr std::uint64_t kLargeSector = 4096;

}  // namespace

void FileInode::apply(const Change& change, std::vector<std::byte>& to) {
  if (!change.bytes) return to.resize(change.position);
  const std::uint64_t end = change.position + change.bytes->size();
  if (end > to.size()) to.resize(end);
  std::ranges::copy(*change.bytes, to.begin() + static_cast<std::ptrdiff_t>(change.position));
}

void FileInode::write(std::uint64_t position, Bytes bytes) {
  if (bytes.empty()) return;
  pending_.push_back({.position = position, .bytes = std::vector<std::byte>(bytes.begin(), bytes.end())});
  apply(pending_.back(), current_);
}

void FileInode::truncate(std::uint64_t size) {
  if (size == current_.size()) return;
  pending_.push_back({.position = size, .bytes = std::nullopt});
  current_.resize(size);
}

void FileInode::sync() {
  for (const Change& change : pending_) apply(change, synced_);
  pending_.clear();
}

void FileInode::lose_pending() {
  lost_pages_ = lost_pages_ || !pending_.empty();
  pending_.clear();
}

void FileInode::evict_lost() {
  if (!std::exchange(lost_pages_, false)) return;
  current_ = synced_;
  for (const Change& change : pending_) apply(change, current_);
}

void FileInode::lose_power(const PowerLoss& how, Dice& dice, Losses& losses) {
  for (const Change& change : std::exchange(pending_, {})) {
    if (dice.chance(how.keep_per_mille)) {
      apply(change, synced_);
    } else if (change.bytes && dice.chance(how.tear_per_mille)) {
      apply_torn(change, how, dice, synced_);
      ++losses.torn_writes;
    } else {
      ++losses.dropped_writes;
    }
  }
  current_ = synced_;
  lost_pages_ = false;
}

namespace {

void fill_with_garbage(std::vector<std::byte>& bytes, Dice& dice) {
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(dice.next()); });
}

}  // namespace

void FileInode::apply_torn(const Change& change, const PowerLoss& how, Dice& dice, std::vector<std::byte>& to) {
  const std::uint64_t sector = dice.chance(500) ? kSmallSector : kLargeSector;
  const std::uint64_t end = change.position + change.bytes->size();
  // Sectors lie where the disk has them, not where the write begins.
  for (std::uint64_t at = change.position; at < end;) {
    const std::uint64_t next = std::min(end, (at / sector + 1) * sector);
    const bool is_garbage = dice.chance(how.garbage_per_mille);
    if (is_garbage || dice.chance(500)) {
      const auto from = change.bytes->begin() + static_cast<std::ptrdiff_t>(at - change.position);
      Change part{.position = at, .bytes = std::vector<std::byte>(from, from + static_cast<std::ptrdiff_t>(next - at))};
      if (is_garbage) fill_with_garbage(*part.bytes, dice);
      apply(part, to);
    }
    at = next;
  }
}

void FileInode::damage(std::uint64_t position, Bytes bytes) {
  const Change change{.position = position, .bytes = std::vector<std::byte>(bytes.begin(), bytes.end())};
  apply(change, synced_);
  apply(change, current_);
}

const Node* DirectoryInode::find(const std::string& name) const {
  const auto found = current_.find(name);
  return found == current_.end() ? nullptr : &found->second;
}

void DirectoryInode::apply(const Change& change, Names& to) {
  if (!change.removed.empty()) to.erase(change.removed);
  if (!change.added.empty()) to[change.added] = change.node;
}

void DirectoryInode::add(Change change) {
  apply(change, current_);
  pending_.push_back(std::move(change));
}

void DirectoryInode::link(const std::string& name, Node node) { add({.removed = "", .added = name, .node = std::move(node)}); }

void DirectoryInode::unlink(const std::string& name) { add({.removed = name, .added = "", .node = {}}); }

void DirectoryInode::rename(const std::string& from, const std::string& to) {
  const Node node = current_.at(from);
  add({.removed = from, .added = to, .node = node});
}

void DirectoryInode::sync() {
  for (const Change& change : pending_) apply(change, synced_);
  pending_.clear();
}

void DirectoryInode::lose_power(const PowerLoss& how, Dice& dice, Losses& losses) {
  for (const Change& change : std::exchange(pending_, {})) {
    if (dice.chance(how.keep_per_mille)) {
      apply(change, synced_);
    } else {
      ++losses.dropped_names;
      losses.names.push_back((change.removed.empty() ? "" : "-" + change.removed) + (change.added.empty() ? "" : "+" + change.added));
    }
  }
  current_ = synced_;
}

Node deep_copy(const Node& root) {
  // Each inode is copied once, however many names, synced and not, lead to it.
  struct Copier {
    std::map<const void*, Node> copies;
    Node copy(const Node& from) {
      if (from.file == nullptr && from.directory == nullptr) return {};
      const void* key = from.is_directory() ? static_cast<const void*>(from.directory.get()) : from.file.get();
      if (const auto done = copies.find(key); done != copies.end()) return done->second;
      Node made;
      if (!from.is_directory()) {
        made.file = std::make_shared<FileInode>(*from.file);
        return copies[key] = made;
      }
      made.directory = std::make_shared<DirectoryInode>(*from.directory);
      copies[key] = made;
      made.directory->redirect([this](const Node& node) { return copy(node); });
      return made;
    }
  };
  return Copier{}.copy(root);
}

}  // namespace tidelog::sim
