#pragma once

#include <tidelog/group.h>
#include <tidelog/record.h>
#include <tidelog/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog {

namespace core {
class ClientCore;
class ConsumerCore;
class BatchData;
}  // namespace core

/// A place in a partition.
class offset_spec {
 public:
  enum class kind { start, end, at, before_end, time };

  static offset_spec start() { return {kind::start, 0}; }
  static offset_spec end() { return {kind::end, 0}; }
  static offset_spec at(std::int64_t offset) { return {kind::at, offset}; }
  /// `count` records before the end, but not before the start.
  static offset_spec before_end(std::int64_t count) { return {kind::before_end, count}; }
  /// The first record that is not older; the end if there is none.
  static offset_spec time(std::int64_t timestamp_ms) { return {kind::time, timestamp_ms}; }

  [[nodiscard]] kind what() const { return kind_; }
  [[nodiscard]] std::int64_t value() const { return value_; }
  bool operator==(const offset_spec&) const = default;

 private:
  offset_spec(kind what, std::int64_t value) : kind_(what), value_(value) {}
  kind kind_;
  std::int64_t value_;
};

/// A partition to read, from where, and up to where.
class assignment {
 public:
  assignment(std::string topic, std::int32_t partition, offset_spec from) : topic_(std::move(topic)), partition_(partition), from_(from) {}
  /// Reads stop before it. It is looked up once, when the assignment is made.
  assignment& until(offset_spec end) { return until_ = end, *this; }

  [[nodiscard]] const std::string& topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  [[nodiscard]] offset_spec from() const { return from_; }
  [[nodiscard]] const std::optional<offset_spec>& until() const { return until_; }

 private:
  std::string topic_;
  std::int32_t partition_;
  offset_spec from_;
  std::optional<offset_spec> until_;
};

/// What a member of a group reads, and what it is told when its partitions change. The group's name and the rest are client settings:
/// group.id, group.protocol, enable.auto.commit and so on.
class subscription {
 public:
  using listener = std::function<void(const std::vector<topic_partition>&)>;

  explicit subscription(std::vector<std::string> topics) : topics_(std::move(topics)) {}
  /// To all topics whose whole name matches a regular expression, in RE2's syntax, be it now or later; not to those that the cluster keeps
  /// for itself. With group.protocol=classic topics that come or go are noticed when metadata.max.age.ms is over; with consumer the
  /// coordinator tells of them.
  static subscription matching(std::string pattern) {
    subscription made({});
    made.pattern_ = std::move(pattern);
    return made;
  }
  /// Where a partition begins that the group has committed nothing for. Without it auto.offset.reset decides.
  subscription& from(offset_spec place) { return from_ = place, *this; }
  /// Reads stop before it, as in `assignment`. It is looked up once, when the subscription is made, in every partition of the topics.
  subscription& until(offset_spec end) { return until_ = end, *this; }
  /// Listeners run inside `poll` and `close`. New partitions, to be read from their first record that is not committed.
  subscription& on_assigned(listener call) { return assigned_ = std::move(call), *this; }
  /// Partitions that are about to go to somebody else: the last chance to commit. What enable.auto.commit commits is committed before.
  subscription& on_revoked(listener call) { return revoked_ = std::move(call), *this; }
  /// Partitions that are gone already: nothing can be committed for them, and others may have read the same records.
  subscription& on_lost(listener call) { return lost_ = std::move(call), *this; }

  [[nodiscard]] const std::vector<std::string>& topics() const { return topics_; }
  [[nodiscard]] const std::optional<std::string>& pattern() const { return pattern_; }
  [[nodiscard]] const std::optional<offset_spec>& from() const { return from_; }
  [[nodiscard]] const std::optional<offset_spec>& until() const { return until_; }
  [[nodiscard]] const listener& assigned() const { return assigned_; }
  [[nodiscard]] const listener& revoked() const { return revoked_; }
  [[nodiscard]] const listener& lost() const { return lost_; }

 private:
  std::vector<std::string> topics_;
  std::optional<std::string> pattern_;
  std::optional<offset_spec> from_;
  std::optional<offset_spec> until_;
  listener assigned_;
  listener revoked_;
  listener lost_;
};

/// Records of one partition, in order. Owns the bytes that its record views point to.
class record_batch {
 public:
  record_batch();
  record_batch(record_batch&&) noexcept;
  record_batch& operator=(record_batch&&) noexcept;
  ~record_batch();

  [[nodiscard]] const record_view* begin() const;
  [[nodiscard]] const record_view* end() const;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end() - begin()); }
  [[nodiscard]] bool empty() const { return begin() == end(); }

 private:
  friend class core::ConsumerCore;
  explicit record_batch(std::unique_ptr<core::BatchData> data);
  std::unique_ptr<core::BatchData> data_;
};

/// Reads partitions that it is told to read, or that its group gives it; the next records are fetched while the last are worked on.
/// Life: batches may outlive it. A member of a group says goodbye when it ends, but nothing is committed then: `close` does.
/// Thread: one at a time.
class consumer {
 public:
  consumer(consumer&&) noexcept;
  consumer& operator=(consumer&&) noexcept;
  consumer(const consumer&) = delete;
  consumer& operator=(const consumer&) = delete;
  ~consumer();

  /// Replaces what is read. Looks the offsets up, so it talks to the brokers.
  result<void> assign(const std::vector<assignment>& partitions);

  /// Becomes a member of the group `group.id`, instead of what was assigned or subscribed to. Partitions come while it polls, so it has to
  /// poll at least every max.poll.interval.ms, or it is out until it polls again.
  result<void> subscribe(const subscription& what);
  /// Commits where each partition goes on: behind the last record that `poll` returned. With enable.auto.commit `poll` does that, too,
  /// every auto.commit.interval.ms, before it returns more. Waits for the answer.
  result<void> commit();
  /// Commits these instead.
  result<void> commit(const std::vector<group_offset>& offsets);
  /// Commits, with enable.auto.commit, and leaves the group; nothing is read any more. Waits for the answers.
  result<void> close();
  /// What is read now, by topic and partition.
  [[nodiscard]] std::vector<topic_partition> assigned() const;

  /// The next records, of one partition; an empty batch if there were none in time, or none are left to read.
  /// In a group it may take longer while partitions change: offsets are looked up, and listeners run.
  result<record_batch> poll(std::chrono::milliseconds timeout);

  /// Whether every partition was read up to its `until`; never true if one has none, or while a group has yet to assign them. A member that
  /// was assigned none is finished, although it may get some when others leave, or, with cooperative-sticky, once they have given them up.
  [[nodiscard]] bool finished() const;
  /// The offset after the last record that `poll` returned, or -1 if the partition is not assigned.
  [[nodiscard]] std::int64_t position(std::string_view topic, std::int32_t partition) const;
  /// Why nothing may come: what the last fetch of a partition failed with, while it is tried again. Nothing if all goes well.
  [[nodiscard]] std::optional<error> trouble() const;

 private:
  friend class client;
  explicit consumer(std::shared_ptr<core::ConsumerCore> core);
  std::shared_ptr<core::ConsumerCore> core_;
};

}  // namespace tidelog
