#pragma once

#include "broker/config/topic_config.h"
#include "broker/partition/cleaning_work.h"
#include "broker/partition/fetch_watch.h"
#include "broker/partition/produce_part.h"
#include "broker/shard/durability.h"
#include "proto/record/validate.h"
#include "storage/log/log.h"

#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {

/// What a partition tells about where it stands.
struct PartitionState {
  Offset log_start;
  Offset high_watermark;
  Offset log_end;
  LeaderEpoch leader_epoch;
};

/// A partition this node leads: its log, how far it is committed, and who waits for that.
///
/// Appends are gathered: `produce` only queues, and at the end of the loop pass all that came is checked, stamped and written with one
/// gathered write. With durability `fsync` the durable end follows the sync rounds, with `page-cache` it follows the log end at once; the
/// high watermark follows the durable end of every in-sync replica, which today is this one.
///
/// Thread: the owning shard.
/// Crash: the log is recovered by `storage`; everything else is rebuilt from it.
/// Invariant: log start <= high watermark <= durable end <= log end; the high watermark never moves back within a leader epoch.
class Partition final : public DurableLog, private PassClient {
 public:
  struct Identity {
    TopicPartition id;
    std::string topic;
    std::size_t dir = 0;  ///< Of the broker's log directories, the one it is in.
  };

  Partition(Shard& shard, Durability& durability, Identity identity, std::unique_ptr<storage::Log> log, LeaderEpoch epoch,
            std::shared_ptr<const TopicConfig> config);
  /// Answers nobody: `retire` first, unless the whole process goes.
  ~Partition();

  [[nodiscard]] const TopicPartition& id() const { return identity_.id; }
  [[nodiscard]] const std::string& topic() const { return identity_.topic; }
  [[nodiscard]] std::size_t dir() const { return identity_.dir; }
  [[nodiscard]] PartitionState state() const;
  [[nodiscard]] storage::Log& log() { return *log_; }
  [[nodiscard]] bool is_offline() const { return log_->is_offline(); }
  [[nodiscard]] const TopicConfig& config() const { return *config_; }

  /// Whether `check` may take long for it: much has to be read, or little to be opened that may become much.
  [[nodiscard]] bool takes_long_to_check(const ProducePart& part) const;
  /// Checks a part's records ahead of `produce`, which then only takes them.
  void check(ProducePart& part) const;
  /// Queues a part for the end of this pass. It is answered through `part.done()`, at the earliest then.
  void produce(ProducePart& part);
  /// Appends what the broker itself has to say, in one step: one batch, checked by whoever made it, stamped in place. Returns the log's end
  /// behind it. Nothing is kept when it is refused. What clients sent in this pass comes behind it.
  [[nodiscard]] Result<Offset, ErrorCode> append_own(MutableBytes batch);
  /// Answers `waiter` once everything below `end` is committed, at once if it is.
  void await_committed(AckWaiter& waiter, Offset end);
  /// Committed records from `from` on, whole batches, one slice of one file. Empty if there is nothing (yet).
  Result<storage::Slice> read(Offset from, std::size_t max_bytes, bool at_least_one_batch);
  /// The leader epoch of the record at `offset`, or of the next one if nothing is stored there.
  [[nodiscard]] LeaderEpoch epoch_at(Offset offset);
  /// Where a leader epoch ended. -1 and -1: it never began here.
  [[nodiscard]] storage::EpochEnd end_of_epoch(LeaderEpoch epoch);
  /// `watch` hears of every advance of the high watermark, and of the partition's end.
  void watch(FetchWatch& watch) { watch.join(watches_); }

  /// Forgets records below `before`, or all committed ones for -1, by moving the log start; returns where it is then. It survives a crash
  /// once the manifest was written: no answer before that. Then `remove_dead_segments` may free the disk.
  Result<Offset, ErrorCode> delete_records(Offset before);
  void remove_dead_segments() { static_cast<void>(log_->remove_segments_below_start().has_value()); }

  /// Holds for whatever is appended, read and deleted from now on. True if a sync is under way that makes durable what the settings before
  /// left in the page cache.
  bool set_config(std::shared_ptr<const TopicConfig> config, const storage::LogConfig& log_config);
  void set_leader_epoch(LeaderEpoch epoch);
  /// Answers and wakes everybody who waits here; the log takes no more appends.
  void retire(ErrorCode reason);
  /// Retention by time and size; returns the number of segments removed.
  std::size_t enforce_retention(TimestampMs now);

  /// Where compaction has to end: what is not committed may still be taken back.
  [[nodiscard]] Offset cleanable_end() const { return high_watermark_; }
  /// Whether compaction may look at this partition now.
  [[nodiscard]] bool may_be_cleaned(SteadyTime now) const;
  /// Nobody else cleans the log, removes its directory or closes it until `end_cleaning`. Needs `may_be_cleaned`.
  std::shared_ptr<CleaningWork> begin_cleaning();
  void end_cleaning();
  /// Not again before `when`.
  void postpone_cleaning(SteadyTime when) { cleaned_again_at_ = when; }
  /// Asks a cleaning to stop at its next slice.
  void interrupt_cleaning();
  /// The same, and returns when none is at work. For whoever takes the partition out of service; none begins after that.
  asio::awaitable<void> stop_cleaning();

  [[nodiscard]] Pending pending() const override { return {.bytes = log_->fresh_bytes(), .needs_file_sync = log_->needs_file_sync()}; }
  storage::SyncTicket begin_sync(storage::SyncMeans means) override;
  void finish_sync(const storage::SyncTicket& ticket) override;

 private:
  static constexpr SteadyTime kPatienceCheckEvery = std::chrono::milliseconds(100);

  /// A part of this pass that made it into the write.
  struct Accepted {
    ProducePart* part;
    Offset end;
  };

  void end_of_pass() override;
  void admit(ProducePart& part, proto::ValidationRules& rules);
  bool answer_if_known(ProducePart& part, const proto::BatchView& batch);
  void stamp(ProducePart& part, const proto::CheckedBatch& checked, TimestampMs now);
  void admit_queued();
  void admit_timed(ProducePart& part, proto::ValidationRules& rules);
  void write_admitted();
  [[nodiscard]] Result<Offset> write(std::span<const Bytes> batches);
  void write_timed();
  void answer_accepted();
  void check_patience();
  void advance_high_watermark();

  Shard& shard_;
  Durability& durability_;
  Identity identity_;
  std::unique_ptr<storage::Log> log_;
  std::shared_ptr<const TopicConfig> config_;
  LeaderEpoch leader_epoch_;
  Offset durable_end_;
  Offset high_watermark_;
  ErrorCode retired_ = ErrorCode::none;
  AckWaiters waiters_;
  Timer patience_check_{[this] { check_patience(); }};  ///< Armed while anybody may be waiting.
  FetchWatch* watches_ = nullptr;
  std::shared_ptr<CleaningWork> cleaning_;  ///< Null: none is at work.
  SteadyTime cleaned_again_at_{};
  bool has_failed_ = false;        ///< The last write to the log did; told once.
  std::int64_t untold_bytes_ = 0;  ///< Appended since the watches were last told.

  // Of the pass under way.
  std::vector<ProducePart*> queued_;
  std::vector<Accepted> accepted_;
  std::vector<Bytes> to_write_;
  bool has_timed_ = false;  ///< Somebody pays for a part of it.
  Offset next_offset_;
};

}  // namespace tidelog::broker
