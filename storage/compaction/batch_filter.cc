#include "storage/compaction/batch_filter.h"

#include <algorithm>
#include <limits>

namespace tidelog::storage {
namespace {

/// A batch that only spans offsets, as an earlier cleaning left it.
bool is_filler(const proto::BatchView& batch) { return batch.record_count() == 0 && !batch.has_producer_id() && !batch.is_control(); }

std::optional<TimestampMs> horizon_of(const proto::BatchView& batch) {
  return batch.has_delete_horizon() ? std::optional(batch.base_timestamp()) : std::nullopt;
}

/// What the batch goes on saying when its records change.
proto::BatchFields fields_of(const proto::BatchView& batch) {
  proto::BatchFields fields{.base_offset = batch.base_offset(),
                            .leader_epoch = batch.leader_epoch(),
                            .producer_id = batch.producer_id(),
                            .producer_epoch = batch.producer_epoch(),
                            .base_sequence = batch.base_sequence(),
                            .is_transactional = batch.is_transactional(),
                            .is_control = batch.is_control(),
                            .last_offset_delta = batch.last_offset_delta()};
  if (batch.timestamp_type() == proto::TimestampType::log_append_time) fields.log_append_time = batch.max_timestamp();
  return fields;
}

}  // namespace

BatchFilter::BatchFilter(const FilterRules& rules, const OffsetMap& map, const LastBatches& producers, const TransactionEnds& ends)
    : rules_(rules), map_(map), producers_(producers), ends_(ends) {}

Result<void> BatchFilter::take(const proto::BatchView& batch, proto::ByteBuffer& out) {
  ++counts_.batches;
  if (batch.record_count() == 0) return empty_or_drop(batch, out), Result<void>();
  if (batch.is_control()) return take_control(batch, out);
  std::optional<TransactionEnd> end;
  if (batch.is_transactional()) {
    in_transaction_.insert(batch.producer_id().value);
    end = ends_.end_of(batch.producer_id(), batch.base_offset());
    if (!end) return keep(batch, out), Result<void>();  // Open: nothing of it is decided.
  }
  if (end == TransactionEnd::abort) {
    counts_.records += static_cast<std::uint64_t>(std::max(batch.record_count(), 0));
    return empty_or_drop(batch, out), Result<void>();
  }
  const Horizon horizon = horizon_of(batch);
  const Result<Kept> kept = select(batch, horizon);
  if (!kept) return kept.error();
  counts_.records += static_cast<std::uint64_t>(kept->of);
  if (kept->records == 0) return empty_or_drop(batch, out), Result<void>();
  counts_.kept_records += static_cast<std::uint64_t>(kept->records);
  // Only once the map told of all its tombstones have older records of their keys been taken away.
  const bool was_cleaned = batch.last_offset() >= rules_.dirty_from && batch.last_offset() < rules_.end;
  const bool sets_horizon = kept->has_tombstone && !horizon && was_cleaned;
  if (kept->has_tombstone && (horizon || sets_horizon)) note_horizon(horizon ? *horizon : new_horizon());
  if (kept->records == kept->of && !sets_horizon) return keep(batch, out), Result<void>();
  return rebuild(batch, sets_horizon ? new_horizon() : horizon, out);
}

Result<void> BatchFilter::take_control(const proto::BatchView& batch, proto::ByteBuffer& out) {
  const Result<std::optional<TransactionEnd>> end = transaction_end(batch);
  if (!end) return end.error();
  const bool has_batches = in_transaction_.erase(batch.producer_id().value) > 0;
  const bool may_go = end->has_value() && batch.has_producer_id() && !has_batches && batch.last_offset() < rules_.end;
  if (!may_go) return keep(batch, out), Result<void>();
  const Horizon horizon = horizon_of(batch);
  if (horizon && *horizon <= rules_.now) return empty_or_drop(batch, out), Result<void>();
  if (horizon) return note_horizon(*horizon), keep(batch, out), Result<void>();
  if (const Result<void> opened = reader_.open(batch, opening_limit(batch, rules_.max_message_bytes)); !opened) return opened.error();
  stays_.assign(static_cast<std::size_t>(batch.record_count()), true);
  note_horizon(new_horizon());
  return rebuild(batch, new_horizon(), out);
}

/// Leaves the reader at the end of the batch, and in `stays_` what was decided.
Result<BatchFilter::Kept> BatchFilter::select(const proto::BatchView& batch, const Horizon& horizon) {
  if (const Result<void> opened = reader_.open(batch, opening_limit(batch, rules_.max_message_bytes)); !opened) return opened.error();
  stays_.clear();
  Kept kept;
  proto::RecordView record;
  while (true) {
    const Result<bool> more = reader_.next(record);
    if (!more) return more.error();
    if (!*more) return kept;
    if (!holds(batch, record)) return Errc::corrupt;
    const bool stays = keeps(record, horizon);
    stays_.push_back(stays);
    ++kept.of;
    if (!stays) continue;
    ++kept.records;
    const bool is_tombstone = record.value.data() == nullptr && record.offset < rules_.end;
    if (is_tombstone) ++counts_.kept_tombstones;
    kept.has_tombstone = kept.has_tombstone || is_tombstone;
  }
}

bool BatchFilter::keeps(const proto::RecordView& record, const Horizon& horizon) {
  if (record.offset < rules_.log_start) return false;
  if (record.offset >= rules_.end) return true;
  if (record.key.data() == nullptr) return ++counts_.keyless_records, false;
  const std::optional<Offset> newest = map_.find(record.key);
  if (newest && *newest > record.offset) return false;
  const bool has_expired = record.value.data() == nullptr && horizon && *horizon <= rules_.now;
  if (has_expired) ++counts_.expired_tombstones;
  return !has_expired;
}

/// Lays out anew the records that stay of the batch that the reader has open.
Result<void> BatchFilter::rebuild(const proto::BatchView& batch, const Horizon& horizon, proto::ByteBuffer& out) {
  flush_filler(out);
  builder_.clear();
  if (horizon) builder_.set_base_timestamp(*horizon);
  reader_.rewind();
  proto::RecordView record;
  for (const bool stays : stays_) {
    const Result<bool> more = reader_.next(record);
    if (!more) return more.error();
    if (stays) lay_out(record, batch.base_offset());
    if (builder_.size_bytes() > rules_.max_laid_out_bytes) return Errc::too_large;  // Far below where the builder has no room.
  }
  proto::BatchFields fields = fields_of(batch);
  // Laid out unpacked, a segment of well packed batches could grow beyond what one file takes.
  const bool keeps_codec = batch.is_control() || !rules_.codec || *rules_.codec == proto::Codec::none;
  fields.codec = keeps_codec ? batch.codec() : *rules_.codec;
  fields.has_delete_horizon = horizon.has_value();
  out.append(builder_.build(fields));
  ++counts_.rebuilt_batches;
  has_changed_ = true;
  return {};
}

void BatchFilter::lay_out(const proto::RecordView& record, Offset base) {
  headers_.assign(record.headers.begin(), record.headers.end());
  builder_.append_at(static_cast<std::int32_t>(record.offset - base),
                     {.timestamp = record.timestamp, .key = record.key, .value = record.value, .headers = headers_});
}

void BatchFilter::keep(const proto::BatchView& batch, proto::ByteBuffer& out) {
  flush_filler(out);
  out.append(batch.bytes());
  ++counts_.kept_batches;
}

/// Of a batch that is its producer's last, the sequence stays known.
void BatchFilter::empty_or_drop(const proto::BatchView& batch, proto::ByteBuffer& out) {
  if (!is_last_of_producer(batch)) return drop(batch, out);
  if (batch.record_count() == 0) return keep(batch, out);
  flush_filler(out);
  builder_.clear();
  proto::BatchFields fields = fields_of(batch);
  fields.max_timestamp = batch.max_timestamp();
  out.append(builder_.build(fields));
  ++counts_.emptied_batches;
  has_changed_ = true;
}

void BatchFilter::drop(const proto::BatchView& batch, proto::ByteBuffer& out) {
  const bool joins = filler_ && filler_->epoch == batch.leader_epoch() && batch.base_offset() == filler_->last + 1 &&
                     batch.last_offset() - filler_->base <= std::numeric_limits<std::int32_t>::max();
  if (!is_filler(batch) || joins) has_changed_ = true;
  if (joins) {
    filler_->last = batch.last_offset();
    filler_->max_timestamp = std::max(filler_->max_timestamp, batch.max_timestamp());
    return;
  }
  flush_filler(out);
  filler_ = {
      .base = batch.base_offset(), .last = batch.last_offset(), .epoch = batch.leader_epoch(), .max_timestamp = batch.max_timestamp()};
}

void BatchFilter::flush_filler(proto::ByteBuffer& out) {
  if (!filler_) return;
  builder_.clear();
  out.append(builder_.build({.base_offset = filler_->base,
                             .leader_epoch = filler_->epoch,
                             .last_offset_delta = static_cast<std::int32_t>(filler_->last - filler_->base),
                             .max_timestamp = filler_->max_timestamp}));
  filler_.reset();
  ++counts_.fillers;
}

void BatchFilter::finish(proto::ByteBuffer& out) { flush_filler(out); }

void BatchFilter::note_horizon(TimestampMs horizon) {
  if (earliest_horizon_.value < 0 || horizon < earliest_horizon_) earliest_horizon_ = horizon;
}

bool BatchFilter::is_last_of_producer(const proto::BatchView& batch) const {
  if (!batch.has_producer_id()) return false;
  const auto known = producers_.find(batch.producer_id().value);
  if (known == producers_.end()) return false;
  const LastBatch& last = known->second;
  if (last.last_offset.value < 0) return batch.is_control() && batch.producer_epoch() == last.epoch;
  return batch.last_offset() == last.last_offset;
}

TimestampMs BatchFilter::new_horizon() const {
  TimestampMs horizon;
  if (__builtin_add_overflow(rules_.now.value, rules_.delete_retention_ms, &horizon.value)) {
    horizon.value = std::numeric_limits<std::int64_t>::max();
  }
  return horizon;
}

}  // namespace tidelog::storage
