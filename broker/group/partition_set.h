#pragma once

#include "broker/group/records.h"
#include "proto/base/types.h"

#include <cstdint>
#include <span>
#include <vector>

// Sets of partitions as flat lists: what machines compare and cut, while records and answers go by topic.

namespace tidelog::broker {

/// Rising, none twice.
using PartitionSet = std::vector<TopicPartition>;

/// A partition that a member has, and the member epoch at which it came to it.
struct HeldPartition {
  TopicPartition partition;
  std::int32_t since = 0;
  bool operator==(const HeldPartition&) const = default;
};

/// Rising by partition, none twice.
using HeldPartitions = std::vector<HeldPartition>;

/// In whatever order and however often they are named.
PartitionSet flatten(const PartitionsById& partitions);
/// Epochs that are not known, or do not stand for one partition each, are `otherwise`.
HeldPartitions flatten(const PartitionsById& partitions, const PartitionEpochs& epochs, std::int32_t otherwise);

PartitionsById by_topic(std::span<const TopicPartition> partitions);
PartitionsById by_topic(std::span<const HeldPartition> partitions);
PartitionEpochs epochs_by_topic(std::span<const HeldPartition> partitions);

bool intersects(const HeldPartitions& held, const PartitionSet& set);
/// Whether each of `set` is held.
bool contains_all(const HeldPartitions& held, const PartitionSet& set);
/// Whether each that is held is in `set`.
bool is_within(const HeldPartitions& held, const PartitionSet& set);
/// Whether both name the same partitions, whenever they came.
bool same_partitions(const HeldPartitions& a, const HeldPartitions& b);

}  // namespace tidelog::broker
