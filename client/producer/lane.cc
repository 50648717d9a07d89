#include "client/producer/lane.h"

#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/batch.h"
#include "proto/record/crc32c.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// The answer to an earlier batch may be on its way over another connection; a broker that really lost records says so every time.
constexpr int kOutOfOrderRetries = 3;

}  // namespace

void PendingBatch::seal(proto::Codec codec, int level) {
  if (bytes.empty()) {
    proto::BatchFields fields;
    fields.codec = codec;
    fields.level = level;
    fields.producer_id = {identity.producer_id};
    fields.producer_epoch = identity.epoch;
    fields.base_sequence = base_sequence;
    bytes = builder.build(fields);
    return;
  }
  const auto header = const_cast<std::byte*>(bytes.data());
  store_be(header + proto::batch_field::kProducerId, identity.producer_id);
  store_be(header + proto::batch_field::kProducerEpoch, identity.epoch);
  store_be(header + proto::batch_field::kBaseSequence, base_sequence);
  store_be(header + proto::batch_field::kCrc, proto::crc32c(bytes.subspan(proto::batch_field::kAttributes)));
}

bool Lane::is_on_trial() const {
  if (!is_idempotent_ || is_established_) return false;
  return std::any_of(unresolved_.begin(), unresolved_.end(), [](const auto& batch) { return batch->is_in_flight; });
}

bool Lane::can_add() const {
  if (is_idempotent_ && (!identity_.is_set() || has_hole_)) return false;
  if (is_on_trial()) return false;
  return std::all_of(unresolved_.begin(), unresolved_.end(), [](const auto& batch) { return batch->is_in_flight; });
}

void Lane::number(PendingBatch& batch) {
  batch.identity = identity_;
  if (!is_idempotent_) return;
  batch.base_sequence = next_sequence_;
  next_sequence_ = advance_sequence(next_sequence_, batch.builder.record_count());
}

void Lane::add(std::unique_ptr<PendingBatch> batch) {
  number(*batch);
  unresolved_.push_back(std::move(batch));
}

PendingBatch* Lane::take(TimePoint now) {
  if (is_on_trial()) return nullptr;
  for (const auto& batch : unresolved_) {
    if (batch->is_in_flight || is_held(*batch)) continue;
    if (batch->retry_at > now) return nullptr;
    batch->is_in_flight = true;
    batch->was_sent = true;
    return batch.get();
  }
  return nullptr;
}

Lane::Place Lane::find(const PendingBatch& batch) {
  const auto place = std::find_if(unresolved_.begin(), unresolved_.end(), [&](const auto& each) { return each.get() == &batch; });
  CHECK(place != unresolved_.end());
  return place;
}

bool Lane::has_earlier(const PendingBatch& batch) const { return unresolved_.front().get() != &batch; }

Verdict Lane::judge_out_of_order(PendingBatch& batch, ErrorCode code) {
  batch.was_sent = false;  // It is certain now that the broker does not have it.
  if (has_hole_ || has_earlier(batch)) return Verdict::retry;
  if (code == ErrorCode::unknown_producer_id) {
    // The broker forgot this producer, which it may once it dropped all of its records: begin anew.
    has_hole_ = true;
    return Verdict::retry;
  }
  return ++batch.retries <= kOutOfOrderRetries ? Verdict::retry : Verdict::fatal;
}

Verdict Lane::judge(PendingBatch& batch, ErrorCode code, TimePoint retry_at) {
  batch.is_in_flight = false;
  batch.retry_at = retry_at;
  switch (code) {
    case ErrorCode::none:
    case ErrorCode::duplicate_sequence_number: is_established_ = is_established_ || batch.identity == identity_; return Verdict::written;
    case ErrorCode::out_of_order_sequence_number:
    case ErrorCode::unknown_producer_id: return is_idempotent_ ? judge_out_of_order(batch, code) : Verdict::failed;
    case ErrorCode::invalid_producer_epoch:
    case ErrorCode::producer_fenced: return is_idempotent_ ? Verdict::fatal : Verdict::failed;
    case ErrorCode::message_too_large: batch.was_sent = false; return batch.builder.record_count() > 1 ? Verdict::split : Verdict::failed;
    default: break;
  }
  if (!retriable(code)) return batch.was_sent = false, Verdict::failed;
  ++batch.retries;
  return Verdict::retry;
}

void Lane::on_lost(PendingBatch& batch, TimePoint retry_at) {
  batch.is_in_flight = false;
  batch.retry_at = retry_at;
  ++batch.retries;
}

std::unique_ptr<PendingBatch> Lane::remove(PendingBatch& batch) {
  const Place place = find(batch);
  std::unique_ptr<PendingBatch> removed = std::move(*place);
  unresolved_.erase(place);
  return removed;
}

std::unique_ptr<PendingBatch> Lane::fail(PendingBatch& batch) {
  const bool is_last = unresolved_.back().get() == &batch;
  // Nothing behind it has a number yet, and the broker does not have it: its numbers are free again.
  if (is_last && !batch.was_sent && !has_hole_)
    next_sequence_ = std::max(batch.base_sequence, 0);
  else
    has_hole_ = is_idempotent_;
  return remove(batch);
}

std::unique_ptr<PendingBatch> Lane::replace(PendingBatch& batch, std::unique_ptr<PendingBatch> first,
                                            std::unique_ptr<PendingBatch> second) {
  const Place place = find(batch);
  first->identity = second->identity = batch.identity;
  if (is_idempotent_) {
    first->base_sequence = batch.base_sequence;
    second->base_sequence = advance_sequence(batch.base_sequence, first->builder.record_count());
  }
  std::unique_ptr<PendingBatch> replaced = std::exchange(*place, std::move(first));
  unresolved_.insert(place + 1, std::move(second));
  return replaced;
}

std::vector<PendingBatch*> Lane::expired(TimePoint limit) const {
  std::vector<PendingBatch*> late;
  for (const auto& batch : unresolved_) {
    if (!batch->is_in_flight && batch->created_at < limit) late.push_back(batch.get());
  }
  return late;
}

std::vector<PendingBatch*> Lane::all() const {
  std::vector<PendingBatch*> batches;
  for (const auto& batch : unresolved_) batches.push_back(batch.get());
  return batches;
}

PendingBatch* Lane::in_flight(std::uint64_t id) const {
  for (const auto& batch : unresolved_) {
    if (batch->id == id && batch->is_in_flight) return batch.get();
  }
  return nullptr;
}

bool Lane::needs_identity() const {
  if (!is_idempotent_) return false;
  if (!identity_.is_set()) return true;
  return has_hole_ && std::none_of(unresolved_.begin(), unresolved_.end(), [](const auto& batch) { return batch->was_sent; });
}

void Lane::set_identity(Identity identity) {
  identity_ = identity;
  next_sequence_ = 0;
  has_hole_ = false;
  is_established_ = false;
  for (const auto& batch : unresolved_) number(*batch);
}

std::optional<TimePoint> Lane::next_retry() const {
  for (const auto& batch : unresolved_) {
    if (!batch->is_in_flight && !is_held(*batch)) return batch->retry_at;
  }
  return std::nullopt;
}

}  // namespace tidelog::core
