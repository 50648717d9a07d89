#pragma once

#include "client/core/metadata.h"
#include "client/producer/lane.h"
#include "client/producer/partitioner.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tidelog::core {

/// A partition that records are gathered for.
struct PartitionQueue {
  PartitionQueue(std::string_view topic_name, std::int32_t partition_index, bool is_idempotent)
      : topic(topic_name), index(partition_index), lane(is_idempotent) {}

  std::string topic;
  std::int32_t index;
  std::unique_ptr<PendingBatch> open;               ///< Being filled.
  std::deque<std::unique_ptr<PendingBatch>> ready;  ///< Full, or told to go.
  bool is_listed = false;                           ///< In the list of those with something to do.
  Lane lane;                                        ///< The loop's alone.
  std::optional<error> refusal;                     ///< The last answer that is worth another try. The loop's alone.
};

/// A topic that records are sent to. Made once, lives as long as the producer.
struct TopicQueues {
  TopicQueues(std::shared_ptr<const TopicMetadata> topic, std::size_t share_bytes, std::uint32_t first)
      : metadata(std::move(topic)), sticky(share_bytes, first) {}

  std::shared_ptr<const TopicMetadata> metadata;
  StickyPartitioner sticky;
  std::vector<std::unique_ptr<PartitionQueue>> partitions;
  std::size_t batch_bytes = 0;  ///< Where batches are closed; less than configured after the broker refused one as too large.
};

/// Gathers records into a batch for each partition until the batch is full or old enough, within a budget of memory.
/// Thread: under its owner's lock.
/// Invariant: a batch that was started is incomplete until `complete`, and its bytes count against the budget until then.
class Accumulator {
 public:
  Accumulator(const Settings& settings, std::size_t share_bytes) : settings_(settings), share_bytes_(share_bytes) {}

  TopicQueues* find_topic(std::string_view name);
  TopicQueues& add_topic(std::shared_ptr<const TopicMetadata> topic);

  /// Bytes a record may take in a batch, at most.
  static std::size_t size_of(const record_ref& record);
  /// Whether it fits the budget now. A record larger than all of it goes alone.
  [[nodiscard]] bool has_room(std::size_t size_bytes) const {
    return used_bytes_ == 0 || used_bytes_ + size_bytes <= static_cast<std::size_t>(settings_.buffer_bytes);
  }
  /// True if the loop should be told: something is full, or a batch was started.
  bool append(TopicQueues& topic, const record_ref& record, delivery_fn callback, TimePoint now);

  /// Moves batches that have waited until `started_by` or are full to `ready`, and lists their partitions.
  void close_older_than(TimePoint started_by);
  /// The next time a batch is old enough, if none is added.
  [[nodiscard]] std::optional<TimePoint> next_due() const;
  /// Partitions with something open, ready, or in their lane.
  std::vector<PartitionQueue*>& active() { return active_; }
  void list(PartitionQueue& queue);

  /// An empty batch that is not counted yet.
  std::unique_ptr<PendingBatch> take_spare(TimePoint now);
  /// Ends the life of a batch: memory and place are free again.
  void complete(std::unique_ptr<PendingBatch> batch);
  /// Two halves are now in its place; the memory stays counted until the halves are complete.
  void replace(std::unique_ptr<PendingBatch> whole, PendingBatch& first, PendingBatch& second);

  [[nodiscard]] std::uint64_t last_id() const { return next_id_ - 1; }
  [[nodiscard]] bool is_complete_through(std::uint64_t id) const { return incomplete_.empty() || *incomplete_.begin() > id; }

 private:
  void close(PartitionQueue& queue);
  [[nodiscard]] std::int32_t choose_partition(TopicQueues& topic, const record_ref& record, std::size_t size_bytes) const;

  const Settings& settings_;
  std::size_t share_bytes_;
  std::map<std::string, std::unique_ptr<TopicQueues>, std::less<>> topics_;
  std::vector<PartitionQueue*> active_;
  std::vector<std::unique_ptr<PendingBatch>> spare_;
  std::multiset<std::uint64_t> incomplete_;  ///< Ids that batches were started with; the halves of a split one share it.
  std::vector<proto::RecordHeader> headers_;
  std::uint64_t next_id_ = 1;
  std::size_t used_bytes_ = 0;
};

}  // namespace tidelog::core
