#pragma once

#include "broker/metadata/image.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace tidelog::broker {

/// Replicas of partitions 0 to `count` - 1, the preferred leader first. Leaders go round robin from the broker at `start`; from one round
/// to the next the followers of a leader shift by one, so that the load of a broker that stops does not fall on a single other. Needs 1 <=
/// replication_factor <= brokers.size().
std::vector<std::vector<NodeId>> place(std::span<const NodeId> brokers, std::size_t count, std::size_t replication_factor,
                                       std::size_t start);

/// Whether these are brokers of the cluster, at least one and each once.
bool are_replicas(std::span<const NodeId> brokers, std::span<const NodeId> nodes);

/// A partition that nobody has written to: all its replicas are in sync, for there is nothing to be behind on. Needs a replica.
PartitionRecord new_partition(PartitionIndex index, std::vector<NodeId> replicas);

/// The log directories of one broker that may get new partitions, in its order. Empty: it has one directory, and nobody has to say which.
struct DirectoryChoice {
  NodeId broker;
  std::vector<Uuid> directories{};
};

/// Gives new replicas of a broker their directories, one after the other: the one that has the fewest then; the first of several.
class DirectoryPicker {
 public:
  DirectoryPicker(const Image& image, const DirectoryChoice& choice);

  /// Where the broker's next replica goes. Needs a choice that is not empty.
  Uuid next();
  /// Says of a new partition where the broker's replica of it is, if it has one and there is a choice.
  void place(PartitionRecord& partition);

 private:
  NodeId broker_;
  std::vector<std::pair<Uuid, std::size_t>> counts_;
};

}  // namespace tidelog::broker
