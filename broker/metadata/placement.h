#pragma once

#include "broker/metadata/record.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tidelog::broker {

/// Partitions 0 to `count` - 1 spread over `brokers`. Leaders go round robin from the broker at `seed`; from one round to the next a
/// leader's followers shift by one, so the load of a broker that stops does not fall on a single other. Needs 1 <= replication_factor <=
/// brokers.size().
std::vector<PartitionState> place(std::span<const NodeId> brokers, std::int32_t count, std::int16_t replication_factor, std::uint32_t seed);

/// A new partition: all replicas are in sync, for there is nothing yet to be behind on. Needs at least one replica.
PartitionState new_partition(PartitionIndex index, std::vector<NodeId> replicas);

}  // namespace tidelog::broker
