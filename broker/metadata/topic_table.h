#pragma once

#include "broker/metadata/record.h"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// A topic as the cluster knows it. Never changes: a new state is a new object, which readers of the old one do not notice.
struct TopicImage {
  Uuid id;
  std::string name;
  std::vector<PartitionState> partitions;  ///< By index, without gaps.
  Configs configs;                         ///< What was set on the topic; the rest are the brokers' defaults.

  /// Null if the topic has no such partition.
  [[nodiscard]] const PartitionState* find_partition(PartitionIndex index) const;
  bool operator==(const TopicImage&) const = default;
};

using TopicPointer = std::shared_ptr<const TopicImage>;

/// Topics by one key, name or id. A copy shares every bucket, and a change copies one: among 10,000 topics a new one costs a few
/// microseconds, though every shard still holds the table from before it.
class TopicTable {
 public:
  enum class Key : bool { name, id };

  explicit TopicTable(Key key) : key_(key) {}

  [[nodiscard]] const TopicPointer* find(std::string_view name) const;  ///< Tables by name only.
  [[nodiscard]] const TopicPointer* find(const Uuid& id) const;         ///< Tables by id only.
  [[nodiscard]] std::size_t size() const { return size_; }

  /// Replaces the topic with the same key, if any.
  void put(TopicPointer topic);
  void remove(const TopicImage& topic);

  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::shared_ptr<const Bucket>& bucket : buckets_) {
      if (!bucket) continue;
      for (const Entry& entry : *bucket) visit(entry.topic);
    }
  }

 private:
  struct Entry {
    std::size_t hash;
    TopicPointer topic;
  };
  using Bucket = std::vector<Entry>;
  static constexpr std::size_t kBuckets = 256;

  [[nodiscard]] std::size_t hash_of(const TopicImage& topic) const;
  [[nodiscard]] bool same_key(const TopicImage& left, const TopicImage& right) const;

  Key key_;
  std::size_t size_ = 0;
  std::array<std::shared_ptr<const Bucket>, kBuckets> buckets_;
};

}  // namespace tidelog::broker
