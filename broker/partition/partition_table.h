#pragma once

#include "broker/partition/partition.h"

#include <memory>
#include <unordered_map>

namespace tidelog::broker {

/// The partitions one shard owns. Thread: its loop.
class PartitionTable {
 public:
  [[nodiscard]] Partition* find(const TopicPartition& id) {
    const auto found = partitions_.find(id);
    return found == partitions_.end() ? nullptr : found->second.get();
  }

  void add(std::unique_ptr<Partition> partition) {
    const TopicPartition id = partition->id();
    partitions_.insert_or_assign(id, std::move(partition));
  }

  /// Out of the table: no request finds it any more. Null if it is not here.
  std::unique_ptr<Partition> take(const TopicPartition& id) {
    auto node = partitions_.extract(id);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (const auto& [id, partition] : partitions_) visit(*partition);
  }

  [[nodiscard]] std::size_t size() const { return partitions_.size(); }

 private:
  std::unordered_map<TopicPartition, std::unique_ptr<Partition>> partitions_;
};

}  // namespace tidelog::broker
