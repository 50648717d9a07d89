#pragma once

#include "proto/base/types.h"
#include "tests/sim/dice.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::sim {

/// What power loss does to what was not synced.
struct PowerLoss {
  std::uint64_t keep_per_mille = 500;     ///< How likely each pending change survives whole.
  std::uint64_t tear_per_mille = 250;     ///< How likely one that does not survive whole leaves some of its sectors.
  std::uint64_t garbage_per_mille = 200;  ///< How likely a sector of a torn write holds bytes nobody wrote.
};

/// What a power loss did, for marks and logs.
struct Losses {
  std::uint64_t dropped_writes = 0;
  std::uint64_t torn_writes = 0;
  std::uint64_t dropped_names = 0;
  std::vector<std::string> names;  ///< What became of each name whose change was dropped: +made, -removed.
};

/// A file: what a process reads from it now, what surely survives, and the changes between the two in the order they were made.
/// Invariant: applying every pending change to the synced bytes gives the current ones, unless a failed sync dropped them.
class FileInode {
 public:
  [[nodiscard]] std::uint64_t size() const { return current_.size(); }
  [[nodiscard]] const std::vector<std::byte>& current() const { return current_; }
  [[nodiscard]] bool is_clean() const { return pending_.empty(); }

  void write(std::uint64_t position, Bytes bytes);
  void truncate(std::uint64_t size);
  void sync();
  /// A sync that failed: the kernel drops the dirty pages and calls them clean. This process goes on reading them until it ends.
  void lose_pending();
  /// The process ended: pages that a failed sync dropped are read from the disk again.
  void evict_lost();
  void lose_power(const PowerLoss& how, Dice& dice, Losses& losses);
  /// For tests of damage below what was promised: changes bytes that were synced.
  void damage(std::uint64_t position, Bytes bytes);

 private:
  struct Change {
    std::uint64_t position;                       ///< Of a write; the new size of a truncation.
    std::optional<std::vector<std::byte>> bytes;  ///< None: a truncation.
  };
  static void apply(const Change& change, std::vector<std::byte>& to);
  static void apply_torn(const Change& change, const PowerLoss& how, Dice& dice, std::vector<std::byte>& to);

  std::vector<std::byte> current_;
  std::vector<std::byte> synced_;
  std::vector<Change> pending_;
  bool lost_pages_ = false;
};

class DirectoryInode;

/// Where a name leads: to a file or to a directory, never both.
struct Node {
  std::shared_ptr<FileInode> file;
  std::shared_ptr<DirectoryInode> directory;
  [[nodiscard]] bool is_directory() const { return directory != nullptr; }
};

/// A directory: the names as processes see them, those that survive, and the changes between the two.
class DirectoryInode {
 public:
  using Names = std::map<std::string, Node>;
  [[nodiscard]] const Names& names() const { return current_; }
  [[nodiscard]] const Node* find(const std::string& name) const;

  void link(const std::string& name, Node node);
  void unlink(const std::string& name);
  /// One change: after power loss both names are as before, or both as after.
  void rename(const std::string& from, const std::string& to);
  void sync();
  void lose_power(const PowerLoss& how, Dice& dice, Losses& losses);

  /// Leads every name to `copy` of what it led to.
  template <class Copy>
  void redirect(const Copy& copy) {
    for (auto& [name, node] : current_) node = copy(node);
    for (auto& [name, node] : synced_) node = copy(node);
    for (Change& change : pending_) change.node = copy(change.node);
  }

 private:
  struct Change {
    std::string removed;  ///< Empty: nothing is removed.
    std::string added;    ///< Empty: nothing is added.
    Node node;
  };
  static void apply(const Change& change, Names& to);
  void add(Change change);

  Names current_;
  Names synced_;
  std::vector<Change> pending_;
};

/// A copy of the whole tree that shares nothing with it: the disk as it was at one moment.
Node deep_copy(const Node& root);

}  // namespace tidelog::sim
