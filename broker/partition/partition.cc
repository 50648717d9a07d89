#include "broker/partition/partition.h"

#include "proto/base/check.h"

#include <utility>

namespace tidelog::broker {

Partition::Partition(Shard& shard, Durability& durability, Identity identity, std::unique_ptr<storage::Log> log, LeaderEpoch epoch,
                     std::shared_ptr<const TopicConfig> config)
    : shard_(shard),
      durability_(durability),
      identity_(std::move(identity)),
      log_(std::move(log)),
      config_(std::move(config)),
      leader_epoch_(epoch),
      durable_end_(log_->end_offset()),  // Recovery synced what it accepted, so all of it is durable and, with one replica, committed.
      high_watermark_(log_->end_offset()) {}

Partition::~Partition() {
  shard_.forget(*this);
  durability_.forget(*this);
  while (watches_ != nullptr) watches_->leave();
  if (cleaning_ != nullptr) cleaning_->partition = nullptr;
}

PartitionState Partition::state() const {
  return {.log_start = log_->log_start_offset(),
          .high_watermark = high_watermark_,
          .log_end = log_->end_offset(),
          .leader_epoch = leader_epoch_};
}

Result<storage::Slice> Partition::read(Offset from, std::size_t max_bytes, bool at_least_one_batch) {
  if (from >= high_watermark_) return storage::Slice{};
  const auto first = at_least_one_batch ? storage::FirstBatch::even_if_larger : storage::FirstBatch::only_if_it_fits;
  return log_->read({.from = from, .limit = high_watermark_, .max_bytes = max_bytes, .first_batch = first});
}

LeaderEpoch Partition::epoch_at(Offset offset) {
  const LeaderEpoch stored = log_->epoch_at(offset);
  return stored.value >= 0 ? stored : leader_epoch_;
}

storage::EpochEnd Partition::end_of_epoch(LeaderEpoch epoch) {
  if (epoch.value < 0 || epoch > leader_epoch_) return {};
  const Offset log_end = log_->end_offset();
  if (epoch == leader_epoch_) return {.epoch = epoch, .end_offset = log_end};
  const storage::EpochEnd stored = log_->end_offset_for_epoch(epoch);
  if (stored.epoch.value >= 0) return stored;
  // The log knows of an epoch once it holds a record of it, and has none of this or a later one.
  const LeaderEpoch latest = log_->epoch_at(log_end);
  return {.epoch = latest.value >= 0 ? latest : epoch, .end_offset = log_end};
}

bool Partition::set_config(std::shared_ptr<const TopicConfig> config, const storage::LogConfig& log_config) {
  const bool now_syncs = config->syncs_before_ack() && !config_->syncs_before_ack();
  config_ = std::move(config);
  log_->set_config(log_config);
  // From page-cache to fsync: what was promised less about is synced first, then the durable end is what it says (R4).
  if (now_syncs && !is_offline()) durability_.contribute(*this);
  return now_syncs && !is_offline();
}

void Partition::set_leader_epoch(LeaderEpoch epoch) {
  if (epoch == leader_epoch_) return;
  leader_epoch_ = epoch;
  waiters_.release_through({std::numeric_limits<std::int64_t>::max()}, epoch);
  FetchWatch::tell_all(watches_, -1);
}

void Partition::retire(ErrorCode reason) {
  retired_ = reason;
  for (ProducePart* part : std::exchange(queued_, {})) {
    part->fail(reason, "the partition is no longer served here");
    part->done();
  }
  waiters_.fail_all(reason);
  FetchWatch::tell_all(watches_, -1);
  while (watches_ != nullptr) watches_->leave();
}

storage::SyncTicket Partition::begin_sync(storage::SyncMeans means) { return log_->begin_sync(means); }

void Partition::finish_sync(const storage::SyncTicket& ticket) {
  log_->finish_sync(ticket);
  durable_end_ = std::max(durable_end_, ticket.end_offset);
  advance_high_watermark();
}

void Partition::advance_high_watermark() {
  // This node is its own maximal in-sync set, so the least durable end in the set is its own (R1).
  if (durable_end_ <= high_watermark_) return;
  high_watermark_ = durable_end_;
  waiters_.release_through(high_watermark_, leader_epoch_);
  // May count bytes above the high watermark too: whoever is woken too early reads, sees, and waits on.
  FetchWatch::tell_all(watches_, std::exchange(untold_bytes_, 0));
}

void Partition::check_patience() {
  waiters_.expire(shard_.loop().now());
  if (!waiters_.empty()) shard_.timers().arm_in(patience_check_, kPatienceCheckEvery);
}

Result<Offset, ErrorCode> Partition::delete_records(Offset before) {
  if (log_->is_offline()) return ErrorCode::kafka_storage_error;
  // What is compacted alone is kept by key: cutting off its beginning would take keys' newest records away.
  if (!config_->deletes()) return ErrorCode::policy_violation;
  const Offset to = before == Offset{-1} ? high_watermark_ : before;
  if (to < Offset{0} || to > high_watermark_) return ErrorCode::offset_out_of_range;
  const bool moves = to > log_->log_start_offset();
  if (!log_->advance_log_start(to)) return ErrorCode::kafka_storage_error;
  // A fetch that waits below has to be told that its records are gone.
  if (moves) FetchWatch::tell_all(watches_, -1);
  return log_->log_start_offset();
}

std::size_t Partition::enforce_retention(TimestampMs now) {
  const Result<std::size_t> removed = log_->delete_old_segments(now, high_watermark_);
  return removed ? *removed : 0;
}

}  // namespace tidelog::broker
