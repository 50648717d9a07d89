// How a partition takes what one loop pass brought: checked part by part, written as one.
#include "broker/logging/log.h"
#include "broker/partition/log_config.h"
#include "broker/partition/partition.h"
#include "proto/record/validate.h"
#include "storage/disk/disk_error.h"

#include <algorithm>
#include <utility>

namespace tidelog::broker {
namespace {

/// Checking less than this takes no time worth looking at a clock for, unless it has to be opened.
constexpr std::size_t kLongPartBytes = 128 * 1024;

/// What holds for every part of a pass.
proto::ValidationRules rules_at(TimestampMs now, const TopicConfig& config) {
  proto::ValidationRules rules;
  rules.max_message_bytes = config.max_message_bytes;
  rules.max_decompressed_bytes = max_opened_bytes(config);
  rules.is_compacted = config.compacts();
  rules.inspect_compressed = config.opens_batches();
  rules.timestamp_type = config.message_timestamp_type == MessageTimestampType::log_append_time ? proto::TimestampType::log_append_time
                                                                                                : proto::TimestampType::create_time;
  rules.now = now;
  rules.timestamp_before_max_ms = config.message_timestamp_before_max_ms;
  rules.timestamp_after_max_ms = config.message_timestamp_after_max_ms;
  return rules;
}

void add_request(const ProducePart& part, proto::ValidationRules& rules) {
  rules.has_transactional_id = part.has_transactional_id;
  rules.produce_version = part.api_version;
}

/// What the header claims; the bytes may be anything.
bool claims_compression(Bytes records) {
  constexpr std::size_t kCodecAt = proto::batch_field::kAttributes + 1;
  return records.size() > kCodecAt && (static_cast<std::int16_t>(records[kCodecAt]) & proto::kCodecMask) != 0;
}

void refuse(ProducePart& part, const proto::BatchError& error) {
  part.fail(error.code, error.message);
  if (error.code == ErrorCode::message_too_large) part.met = Limit::message_max_bytes;
  if (error.opens_to_too_much) part.met = Limit::decompressed_bytes;
  for (const std::int32_t index : error.record_indexes) part.record_errors.push_back({.batch_index = index, .message = error.message});
}

}  // namespace

bool Partition::takes_long_to_check(const ProducePart& part) const {
  if (part.records.size() >= kLongPartBytes) return true;
  return claims_compression(part.records) && (config_->compacts() || config_->opens_batches());
}

void Partition::check(ProducePart& part) const {
  proto::ValidationRules rules = rules_at(shard_.loop().wall_clock(), *config_);
  add_request(part, rules);
  part.checked = std::make_unique<CheckedAhead>(CheckedAhead{.config = config_, .verdict = proto::validate_produce(part.records, rules)});
}

void Partition::produce(ProducePart& part) {
  if (retired_ != ErrorCode::none) {
    part.fail(retired_, "the partition is no longer served here");
    return part.done();
  }
  queued_.push_back(&part);
  shard_.at_end_of_pass(PassStage::append, *this);
}

void Partition::end_of_pass() {
  next_offset_ = log_->end_offset();
  admit_queued();
  if (std::exchange(has_timed_, false)) [[unlikely]] {
    write_timed();
  } else if (!to_write_.empty()) {
    write_admitted();
  }
  advance_high_watermark();
  answer_accepted();
  to_write_.clear();
  accepted_.clear();
}

void Partition::admit_queued() {
  proto::ValidationRules rules = rules_at(shard_.loop().wall_clock(), *config_);
  for (std::size_t i = 0; i < queued_.size(); ++i) {
    ProducePart& part = *queued_[i];
    if (part.is_timed) [[unlikely]] {
      admit_timed(part, rules);
    } else {
      admit(part, rules);
    }
    if (part.error != ErrorCode::none) part.done();
  }
  queued_.clear();
}

/// Those that have to be timed are few, so nobody else pays for looking at a clock.
void Partition::admit_timed(ProducePart& part, proto::ValidationRules& rules) {
  has_timed_ = true;
  const SteadyTime began = shard_.loop().now();
  admit(part, rules);
  part.spent += shard_.loop().now() - began;
}

/// What one write takes is shared out by bytes among all that it is for.
void Partition::write_timed() {
  if (to_write_.empty()) return;
  const SteadyTime began = shard_.loop().now();
  write_admitted();
  const std::chrono::duration<double, std::nano> took = shard_.loop().now() - began;
  double all_bytes = 0;
  for (const Bytes bytes : to_write_) all_bytes += static_cast<double>(bytes.size());
  for (const Accepted& accepted : accepted_) {
    ProducePart& part = *accepted.part;
    const double share = static_cast<double>(part.records.size()) / all_bytes;
    if (part.is_timed) part.spent += std::chrono::duration_cast<SteadyTime>(took * std::min(share, 1.0));
  }
}

void Partition::write_admitted() {
  if (write(to_write_)) return;
  // Nothing was kept: not the bytes, not the producers' sequences, so a retry finds a clean log (R5).
  log_->producers().refuse_staged();
  for (const Accepted& accepted : accepted_) {
    accepted.part->fail(ErrorCode::kafka_storage_error, "the broker could not write to its disk: see its log");
    accepted.part->base_offset = {-1};
  }
}

/// All of them or none.
Result<Offset> Partition::write(std::span<const Bytes> batches) {
  const Result<Offset> end = log_->append(batches);
  if (!end) {
    if (!std::exchange(has_failed_, true)) {
      log_error("cannot write to {}: {}. Its producers get KAFKA_STORAGE_ERROR until it can be written to again", log_->directory(),
                log_->is_offline() ? log_->offline_reason() : std::string(storage::describe_disk_error(end.error())));
    }
    durability_.write_failed(*log_, end.error());
    return end;
  }
  if (std::exchange(has_failed_, false)) log_info("{} can be written to again", log_->directory());
  for (const Bytes bytes : batches) untold_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (config_->syncs_before_ack()) {
    durability_.contribute(*this);  // Whatever its acks, a record becomes readable only once it is durable (R4).
  } else {
    durable_end_ = *end;
  }
  return end;
}

Result<Offset, ErrorCode> Partition::append_own(MutableBytes batch) {
  if (retired_ != ErrorCode::none) return retired_;
  if (log_->is_offline()) return ErrorCode::kafka_storage_error;
  if (batch.size() > static_cast<std::size_t>(config_->max_message_bytes)) return ErrorCode::message_too_large;
  proto::BatchView::stamp(batch, log_->end_offset(), leader_epoch_);
  const Bytes bytes = batch;
  const Result<Offset> end = write({&bytes, 1});
  if (!end) return ErrorCode::kafka_storage_error;
  advance_high_watermark();
  return *end;
}

void Partition::await_committed(AckWaiter& waiter, Offset end) {
  if (retired_ != ErrorCode::none) return waiter.on_outcome(retired_);
  if (end <= high_watermark_) return waiter.on_outcome(ErrorCode::none);
  waiters_.insert(waiter, end, leader_epoch_);
  if (!patience_check_.is_armed()) shard_.timers().arm_in(patience_check_, kPatienceCheckEvery);
}

/// A part that has an error then is refused, and has to be answered.
void Partition::admit(ProducePart& part, proto::ValidationRules& rules) {
  if (log_->is_offline()) {
    part.fail(ErrorCode::kafka_storage_error, "this partition stopped serving after a disk failure: see the broker's log");
    return;
  }
  add_request(part, rules);
  // Settings may have changed since it was checked ahead; then that is worth nothing.
  const bool is_checked = part.checked != nullptr && part.checked->config == config_;
  const Result<proto::CheckedBatch, proto::BatchError> checked =
      is_checked ? std::move(part.checked->verdict) : proto::validate_produce(part.records, rules);
  // Like Kafka, told with all that was held against the log, and not with bytes that never came so far.
  if (checked || checked.error().is_about_contents) part.log_start_offset = log_->log_start_offset();
  if (!checked) {
    refuse(part, checked.error());
    return;
  }
  if (checked->batch.is_transactional()) {
    part.fail(ErrorCode::invalid_record,
              "the batch belongs to a transaction, and there are none yet: unset transactional.id in the client");
    return;
  }
  if (answer_if_known(part, checked->batch)) return;
  stamp(part, *checked, rules.now);
}

bool Partition::answer_if_known(ProducePart& part, const proto::BatchView& batch) {
  if (!batch.has_producer_id()) return false;
  const Result<storage::BatchHeader> header = storage::parse_batch_header(batch.bytes());
  if (!header) {
    part.fail(ErrorCode::corrupt_message, "the batch header cannot be right");
    return true;
  }
  const storage::ProducerCheck known = log_->producers().check_and_stage(*header, next_offset_);
  switch (known.verdict) {
    case storage::ProducerVerdict::fresh: return false;
    case storage::ProducerVerdict::duplicate:
      part.base_offset = known.base_offset;
      part.log_append_time = config_->message_timestamp_type == MessageTimestampType::log_append_time ? known.timestamp : TimestampMs{-1};
      // The original may not be durable yet, so the retry waits as the original does (R2).
      accepted_.push_back({.part = &part, .end = known.last_offset + 1});
      return true;
    case storage::ProducerVerdict::out_of_order:
      part.fail(ErrorCode::out_of_order_sequence_number, "a batch of this producer is missing before this one");
      break;
    case storage::ProducerVerdict::invalid_epoch:
      part.fail(ErrorCode::invalid_producer_epoch, "a newer instance of this producer has written since");
      break;
  }
  return true;
}

void Partition::stamp(ProducePart& part, const proto::CheckedBatch& checked, TimestampMs now) {
  const MutableBytes bytes = part.records.first(checked.batch.size_bytes());
  proto::BatchView::stamp(bytes, next_offset_, leader_epoch_);
  if (config_->message_timestamp_type == MessageTimestampType::log_append_time) {
    proto::BatchView::restamp_log_append_time(bytes, now);
    part.log_append_time = now;
  } else if (checked.needs_correction) {
    proto::BatchView::set_max_timestamp(bytes, checked.max_timestamp);
  }
  part.base_offset = next_offset_;
  next_offset_ = checked.batch.next_offset();
  to_write_.push_back(bytes);
  accepted_.push_back({.part = &part, .end = next_offset_});
}

void Partition::answer_accepted() {
  for (const Accepted& accepted : accepted_) {
    ProducePart& part = *accepted.part;
    const bool is_answered = part.error != ErrorCode::none || !part.waits_for_all || accepted.end <= high_watermark_;
    if (is_answered) {
      part.done();
    } else {
      await_committed(part, accepted.end);
    }
  }
}

}  // namespace tidelog::broker
