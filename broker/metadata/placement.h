#pragma once

#include "broker/metadata/records.h"

#include <cstdint>
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

}  // namespace tidelog::broker
