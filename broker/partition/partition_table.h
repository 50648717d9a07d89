#pragma once

#include "broker/partition/partition.h"

#include <cstring>
#include <memory>
#include <unordered_map>

namespace tidelog::broker {

/// The partitions one shard owns. Thread: its loop.
class PartitionTable {
 public:
  [[nodiscard]] Partition* find(const TopicPartition& id) {
    if (last_ != nullptr && is_same(last_->id(), id)) return last_;
    const auto found = partitions_.find(id);
    if (found == partitions_.end()) return nullptr;
    last_ = found->second.get();
    return last_;
  }

  void add(std::unique_ptr<Partition> partition) {
    const TopicPartition id = partition->id();
    last_ = nullptr;
    partitions_.insert_or_assign(id, std::move(partition));
  }

  /// Out of the table: no request finds it any more. Null if it is not here.
  std::unique_ptr<Partition> take(const TopicPartition& id) {
    last_ = nullptr;
    auto node = partitions_.extract(id);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (const auto& [id, partition] : partitions_) visit(*partition);
  }

  [[nodiscard]] std::size_t size() const { return partitions_.size(); }

 private:
  /// The comparison that the compiler makes for an id goes through its bytes one by one.
  static bool is_same(const TopicPartition& a, const TopicPartition& b) {
    return a.partition == b.partition && std::memcmp(a.topic_id.bytes.data(), b.topic_id.bytes.data(), sizeof a.topic_id.bytes) == 0;
  }

  std::unordered_map<TopicPartition, std::unique_ptr<Partition>> partitions_;
  Partition* last_ = nullptr;  ///< Found last, and likely to be asked for next.
};

}  // namespace tidelog::broker
