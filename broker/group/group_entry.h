#pragma once

#include "broker/group/classic_group.h"
#include "broker/group/consumer_group.h"
#include "broker/group/offset_table.h"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// One group of either kind with what it committed. Neither kind: a simple group, which is nothing but its offsets; towards clients it is a
/// classic one that is empty and has no protocol type.
/// Invariant: at most one kind; a group that is none has offsets; only a group of a kind is scheduled.
struct GroupEntry {
  explicit GroupEntry(TopicPool& pool) : offsets(pool) {}

  std::string_view name;  ///< The key it is found by.
  OffsetTable offsets;
  std::unique_ptr<ClassicGroup> classic;
  std::unique_ptr<ConsumerGroup> consumer;
  bool is_stored = false;           ///< The log has a record of the group itself, beside those of its offsets.
  std::optional<Moment> scheduled;  ///< When the machine will ask it what became due.
  std::size_t counted_bytes = 0;    ///< That it counts for in what the machine takes in memory.
  Moment stays_until{};             ///< It could not go back to the classic protocol, and does not try before.

  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool is_simple() const { return !classic && !consumer; }
  /// Nobody is in it. Somebody who was told to come again with a name is not in it yet.
  [[nodiscard]] bool is_empty() const;
  [[nodiscard]] std::optional<Moment> wake_at() const;
  /// Whether a member reads `topic`, or may, for all that is known.
  [[nodiscard]] bool subscribes_to(std::string_view topic) const;
  /// Whether the group is only held in memory, by nobody.
  [[nodiscard]] bool is_idle_and_unstored() const;
  /// Whether it may be forgotten once it has no offsets.
  [[nodiscard]] bool may_vanish() const;
  /// The records that forget the group; those of its offsets are not among them.
  [[nodiscard]] std::vector<GroupRecord> tombstones() const;
};

/// Which of a group's offsets expire, and when.
///
/// | the group | its offsets expire |
/// |---|---|
/// | simple, or empty without a protocol type | the retention after the commit |
/// | empty, of either kind | the retention after the later of the commit and of when it became empty, if that is known |
/// | a stable classic group of consumers, a consumer group with members | of topics no member reads, the retention after the commit |
/// | any other classic group with members | never |
///
/// Kafka leaves the commit out of the second row: an offset that a tool sets in a group that has been empty for long is gone at the next
/// check. Of a consumer group Kafka counts from the commit whenever the group became empty; that is not stored, so here the same holds
/// after a load: counted from the load, offsets would stay for ever where brokers start often. An offset that was stored with a time to
/// expire at takes that instead of the retention.
struct RetentionRule {
  bool may_expire = false;
  TimestampMs starts_at{0};  ///< The retention of an offset starts at its commit, but not before this.

  [[nodiscard]] bool is_expired(const StoredOffset& offset, TimestampMs now, std::chrono::milliseconds retention) const;
};
RetentionRule retention_rule(const GroupEntry& entry);

}  // namespace tidelog::broker
