#include "broker/group/partition_set.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

const TopicPartition& partition_of(const TopicPartition& partition) { return partition; }
const TopicPartition& partition_of(const HeldPartition& held) { return held.partition; }

/// What it says of each partition, by topic, each list as long as the topic's partitions.
template <class List, class Add>
void each_topic(std::span<const List> partitions, const Add& add) {
  for (std::size_t at = 0; at < partitions.size(); ++at) {
    const bool is_new = at == 0 || partition_of(partitions[at]).topic_id != partition_of(partitions[at - 1]).topic_id;
    add(partitions[at], is_new);
  }
}

template <class List>
PartitionsById topics_of(std::span<const List> partitions) {
  PartitionsById topics;
  each_topic(partitions, [&](const List& one, bool is_new) {
    if (is_new) topics.emplace_back(partition_of(one).topic_id, std::vector<std::int32_t>{});
    topics.back().second.push_back(partition_of(one).partition.value);
  });
  return topics;
}

}  // namespace

PartitionSet flatten(const PartitionsById& partitions) {
  PartitionSet set;
  for (const auto& [topic, indexes] : partitions) {
    for (const std::int32_t index : indexes) set.push_back({topic, {index}});
  }
  if (!std::ranges::is_sorted(set)) std::ranges::sort(set);
  set.erase(std::ranges::unique(set).begin(), set.end());
  return set;
}

HeldPartitions flatten(const PartitionsById& partitions, const PartitionEpochs& epochs, std::int32_t otherwise) {
  HeldPartitions held;
  for (std::size_t topic = 0; topic < partitions.size(); ++topic) {
    const std::vector<std::int32_t>& indexes = partitions[topic].second;
    const bool is_known = topic < epochs.size() && epochs[topic].size() == indexes.size();
    for (std::size_t at = 0; at < indexes.size(); ++at) {
      held.push_back({{partitions[topic].first, {indexes[at]}}, is_known ? epochs[topic][at] : otherwise});
    }
  }
  if (!std::ranges::is_sorted(held, {}, &HeldPartition::partition)) std::ranges::sort(held, {}, &HeldPartition::partition);
  held.erase(std::ranges::unique(held, {}, &HeldPartition::partition).begin(), held.end());
  return held;
}

PartitionsById by_topic(std::span<const TopicPartition> partitions) { return topics_of(partitions); }
PartitionsById by_topic(std::span<const HeldPartition> partitions) { return topics_of(partitions); }

PartitionEpochs epochs_by_topic(std::span<const HeldPartition> partitions) {
  PartitionEpochs epochs;
  each_topic(partitions, [&](const HeldPartition& one, bool is_new) {
    if (is_new) epochs.emplace_back();
    epochs.back().push_back(one.since);
  });
  return epochs;
}

bool intersects(const HeldPartitions& held, const PartitionSet& set) {
  auto other = set.begin();
  for (const HeldPartition& one : held) {
    while (other != set.end() && *other < one.partition) ++other;
    if (other == set.end()) return false;
    if (*other == one.partition) return true;
  }
  return false;
}

bool contains_all(const HeldPartitions& held, const PartitionSet& set) {
  return std::ranges::includes(held, set, {}, &HeldPartition::partition, {});
}

bool is_within(const HeldPartitions& held, const PartitionSet& set) {
  return std::ranges::includes(set, held, {}, {}, &HeldPartition::partition);
}

bool same_partitions(const HeldPartitions& a, const HeldPartitions& b) {
  return std::ranges::equal(a, b, {}, &HeldPartition::partition, &HeldPartition::partition);
}

}  // namespace tidelog::broker
