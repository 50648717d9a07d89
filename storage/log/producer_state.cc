#include "storage/log/producer_state.h"

#include <algorithm>
#include <limits>

namespace tidelog::storage {
namespace {

constexpr std::int32_t kLastSequence = std::numeric_limits<std::int32_t>::max();

std::int32_t sequence_after(std::int32_t sequence, std::int32_t count) {
  return sequence > kLastSequence - count ? count - (kLastSequence - sequence) - 1 : sequence + count;
}

std::int32_t sequence_before(std::int32_t sequence, std::int32_t count) {
  return sequence < count ? kLastSequence - (count - sequence) + 1 : sequence - count;
}

ProducerBatch batch_at(const BatchHeader& batch, Offset base) {
  return {.last_sequence = sequence_after(batch.base_sequence, batch.last_offset_delta),
          .offset_delta = batch.last_offset_delta,
          .last_offset = base + batch.last_offset_delta,
          .timestamp = batch.max_timestamp};
}

bool is_same(const ProducerBatch& known, const BatchHeader& batch) {
  return known.first_sequence() == batch.base_sequence && known.offset_delta == batch.last_offset_delta;
}

}  // namespace

std::int32_t ProducerBatch::first_sequence() const { return sequence_before(last_sequence, offset_delta); }

void ProducerStates::Producer::push(const ProducerBatch& batch) {
  newest = static_cast<std::uint8_t>(count == 0 ? 0 : (newest + 1) % kWindow);
  batches[newest] = batch;
  if (count < kWindow) ++count;
}

ProducerCheck ProducerStates::check_and_stage(const BatchHeader& batch, Offset base) {
  if (!batch.has_producer()) return {};
  const auto found = producers_.find(batch.producer_id.value);
  const ProducerCheck check = found == producers_.end() ? ProducerCheck{} : judge(found->second, batch);
  if (check.verdict == ProducerVerdict::fresh) stage(batch, base);
  return check;
}

ProducerCheck ProducerStates::judge(const Producer& producer, const BatchHeader& batch) const {
  const Staged* staged = producer.staged < 0 ? nullptr : &staged_[static_cast<std::size_t>(producer.staged)];
  const std::int16_t epoch = staged != nullptr ? staged->epoch : producer.epoch;
  if (epoch < 0) {  // Nothing is known: any sequence begins, unless one did and could not be written.
    const bool overtakes = batch.producer_epoch == producer.refused_epoch && batch.base_sequence != producer.refused_sequence;
    return {.verdict = overtakes ? ProducerVerdict::out_of_order : ProducerVerdict::fresh};
  }
  if (batch.producer_epoch < epoch) return {.verdict = ProducerVerdict::invalid_epoch};
  if (batch.producer_epoch > epoch) return {.verdict = batch.base_sequence == 0 ? ProducerVerdict::fresh : ProducerVerdict::out_of_order};
  const ProducerBatch* last = staged != nullptr ? &staged->batch : producer.last();
  const std::int32_t expected = last == nullptr ? 0 : sequence_after(last->last_sequence, 1);
  if (batch.base_sequence == expected) return {};
  if (const ProducerBatch* original = find_duplicate(producer, batch)) {
    return {ProducerVerdict::duplicate, original->base_offset(), original->last_offset, original->timestamp};
  }
  return {.verdict = ProducerVerdict::out_of_order};
}

const ProducerBatch* ProducerStates::find_duplicate(const Producer& producer, const BatchHeader& batch) const {
  std::size_t left = kWindow;
  for (std::int32_t at = producer.staged; at >= 0 && left > 0; --left) {
    const Staged& staged = staged_[static_cast<std::size_t>(at)];
    if (staged.epoch == batch.producer_epoch && is_same(staged.batch, batch)) return &staged.batch;
    at = staged.previous;
  }
  if (producer.epoch != batch.producer_epoch) return nullptr;
  for (std::size_t age = 0; age < std::min<std::size_t>(producer.count, left); ++age) {
    const ProducerBatch& known = producer.batches[(producer.newest + kWindow - age) % kWindow];
    if (is_same(known, batch)) return &known;
  }
  return nullptr;
}

void ProducerStates::stage(const BatchHeader& batch, Offset base) {
  Producer& producer = touch(batch.producer_id);
  staged_.push_back({&producer, producer.staged, batch.producer_epoch, batch_at(batch, base)});
  producer.staged = static_cast<std::int32_t>(staged_.size() - 1);
}

void ProducerStates::drop_staged() {
  for (const Staged& staged : staged_) staged.producer->staged = -1;
  // Only then: a producer may be staged more than once, and be forgotten at its first entry.
  for (std::size_t i = 0; i < staged_.size(); ++i) {
    const bool is_first = staged_[i].previous < 0;
    const Producer& producer = *staged_[i].producer;
    if (is_first && producer.epoch < 0 && producer.refused_epoch < 0) erase(*staged_[i].producer);
  }
  staged_.clear();
}

void ProducerStates::refuse_staged() {
  for (const Staged& staged : staged_) {
    Producer& producer = *staged.producer;
    if (staged.previous >= 0 || producer.epoch >= 0) continue;
    producer.refused_epoch = staged.epoch;
    producer.refused_sequence = staged.batch.first_sequence();
  }
  drop_staged();
}

void ProducerStates::apply(const BatchHeader& batch) {
  if (!batch.has_producer()) return;
  Producer& producer = touch(batch.producer_id);
  if (batch.producer_epoch < producer.epoch) return;
  if (batch.producer_epoch > producer.epoch) producer.count = 0;
  producer.epoch = batch.producer_epoch;
  if (!batch.is_control()) producer.push(batch_at(batch, batch.base_offset));  // A marker has an epoch, but no sequence.
}

void ProducerStates::load(const ProducerEntry& entry) {
  Producer& producer = touch(entry.id);
  if (entry.epoch != producer.epoch) producer.count = 0;
  producer.epoch = entry.epoch;
  if (entry.batch.last_sequence >= 0) producer.push(entry.batch);
}

void ProducerStates::expire(TimestampMs now, std::int64_t expiration_ms) {
  clock_ = now;
  Producer* next = nullptr;
  for (Producer* producer = oldest_; producer != nullptr; producer = next) {
    next = producer->younger;
    if (producer->last_used == TimestampMs{0}) producer->last_used = now;
    if (now - producer->last_used >= expiration_ms && producer->staged < 0) erase(*producer);
  }
}

void ProducerStates::clear() {
  staged_.clear();
  producers_.clear();
  oldest_ = youngest_ = nullptr;
}

std::vector<ProducerEntry> ProducerStates::entries() const {
  std::vector<ProducerEntry> all;
  all.reserve(producers_.size());
  for (const Producer* producer = oldest_; producer != nullptr; producer = producer->younger) {
    if (producer->epoch < 0) continue;  // staged only
    if (producer->count == 0) all.push_back({producer->id, producer->epoch, {}});
    for (std::size_t age = producer->count; age-- > 0;) {
      const std::size_t at = (producer->newest + kWindow - age) % kWindow;
      all.push_back({producer->id, producer->epoch, producer->batches[at]});
    }
  }
  return all;
}

LastBatches ProducerStates::newest_below(Offset limit) const {
  LastBatches newest;
  for (const Producer* producer = oldest_; producer != nullptr; producer = producer->younger) {
    if (producer->epoch < 0) continue;  // staged only
    if (producer->count == 0) newest.emplace(producer->id.value, LastBatch{.epoch = producer->epoch});
    for (std::size_t age = 0; age < producer->count; ++age) {
      const ProducerBatch& batch = producer->batches[(producer->newest + kWindow - age) % kWindow];
      if (batch.last_offset >= limit) continue;
      newest.emplace(producer->id.value, LastBatch{.epoch = producer->epoch, .last_offset = batch.last_offset});
      break;
    }
  }
  return newest;
}

ProducerStates::Producer& ProducerStates::touch(ProducerId id) {
  auto found = producers_.find(id.value);
  if (found == producers_.end()) {
    make_room();
    found = producers_.try_emplace(id.value).first;
    found->second.id = id;
  } else {
    unlink(found->second);
  }
  found->second.last_used = clock_;
  link_youngest(found->second);
  return found->second;
}

void ProducerStates::unlink(Producer& producer) {
  (producer.older != nullptr ? producer.older->younger : oldest_) = producer.younger;
  (producer.younger != nullptr ? producer.younger->older : youngest_) = producer.older;
  producer.older = producer.younger = nullptr;
}

void ProducerStates::link_youngest(Producer& producer) {
  producer.older = youngest_;
  (youngest_ != nullptr ? youngest_->younger : oldest_) = &producer;
  youngest_ = &producer;
}

void ProducerStates::erase(Producer& producer) {
  unlink(producer);
  producers_.erase(producer.id.value);
}

/// Never takes a staged one: the pass under way points to it. There are as many of those as the pass has batches, at most.
void ProducerStates::make_room() {
  Producer* candidate = oldest_;
  while (producers_.size() >= max_producers_ && candidate != nullptr) {
    Producer* next = candidate->younger;
    if (candidate->staged < 0) erase(*candidate);
    candidate = next;
  }
}

}  // namespace tidelog::storage
