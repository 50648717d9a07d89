#pragma once

#include "broker/group/records.h"
#include "broker/group/topic_pool.h"
#include "proto/base/types.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::broker {

/// Where a group stands in a partition, as it is kept in memory. Small, for there may be millions; what few offsets have lies elsewhere.
class StoredOffset {
 public:
  StoredOffset(TopicPool::Topic* topic, PartitionIndex partition, const OffsetRecord::Value& value);

  [[nodiscard]] const std::string& topic() const { return topic_->first.name; }
  [[nodiscard]] const Uuid& topic_id() const { return topic_->first.id; }
  [[nodiscard]] PartitionIndex partition() const { return partition_; }
  [[nodiscard]] Offset offset() const { return offset_; }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return leader_epoch_; }
  [[nodiscard]] TimestampMs committed_at() const { return committed_at_; }
  [[nodiscard]] std::string_view metadata() const { return rest_ ? std::string_view(rest_->metadata) : std::string_view(); }
  [[nodiscard]] TimestampMs expires_at() const { return rest_ ? rest_->expires_at : TimestampMs{-1}; }
  [[nodiscard]] OffsetRecord::Value value() const;
  /// In memory, with its place in the table.
  [[nodiscard]] std::size_t bytes() const;
  static std::size_t bytes_of(std::string_view metadata, TimestampMs expires_at);

 private:
  friend class OffsetTable;
  struct Rest {
    std::string metadata;
    TimestampMs expires_at{-1};
  };

  TopicPool::Topic* topic_;
  PartitionIndex partition_;
  LeaderEpoch leader_epoch_;
  Offset offset_;
  TimestampMs committed_at_;
  std::unique_ptr<const Rest> rest_;  ///< None: no metadata, and no time of its own to expire at.
};
static_assert(sizeof(StoredOffset) <= 40, "a group may have a million of them");

/// What one group committed, in the order of topics' names and of partitions; both ways to one of them take O(log n). An offset takes 88
/// bytes beside its metadata.
/// Life: not longer than the pool, which the tables of all groups share.
/// Invariant: one offset a topic's name and partition; each holds its topic in the pool once.
class OffsetTable {
 public:
  struct Key {
    std::string_view topic;
    PartitionIndex partition{0};
    auto operator<=>(const Key&) const = default;
  };

 private:
  struct InOrder {
    using is_transparent = void;
    static Key key(const StoredOffset& offset) { return {offset.topic(), offset.partition()}; }
    static Key key(const Key& key) { return key; }
    bool operator()(const auto& a, const auto& b) const { return key(a) < key(b); }
  };
  using Offsets = std::set<StoredOffset, InOrder>;

 public:
  using Iterator = Offsets::const_iterator;

  explicit OffsetTable(TopicPool& pool) : pool_(pool) {}
  ~OffsetTable();
  OffsetTable(const OffsetTable&) = delete;
  OffsetTable& operator=(const OffsetTable&) = delete;

  /// Replaces what was known about the partition, whatever the topic's id.
  void put(const Key& key, const OffsetRecord::Value& value);
  /// Whether there was one.
  bool erase(const Key& key);

  [[nodiscard]] const StoredOffset* find(const Key& key) const;
  [[nodiscard]] Iterator begin() const { return offsets_.begin(); }
  [[nodiscard]] Iterator end() const { return offsets_.end(); }
  /// The first one at or behind `key`.
  [[nodiscard]] Iterator from(const Key& key) const { return offsets_.lower_bound(key); }
  [[nodiscard]] std::size_t size() const { return offsets_.size(); }
  [[nodiscard]] bool empty() const { return offsets_.empty(); }
  /// What they take in memory; the names of topics are the pool's.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  TopicPool& pool_;
  Offsets offsets_;
  std::size_t bytes_ = 0;
};

}  // namespace tidelog::broker
