#include "client/producer/accumulator.h"

#include <algorithm>
#include <chrono>
#include <functional>

namespace tidelog::core {
namespace {

constexpr std::size_t kSpareBatches = 64;
constexpr std::size_t kRecordOverheadBytes = 32;  ///< Length, attributes, deltas, lengths and header count at their longest.
constexpr std::size_t kHeaderOverheadBytes = 10;

Bytes to_bytes(bytes_view view) { return {reinterpret_cast<const std::byte*>(view.data()), view.size()}; }

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

TopicQueues* Accumulator::find_topic(std::string_view name) {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

TopicQueues& Accumulator::add_topic(std::shared_ptr<const TopicMetadata> topic) {
  // Producers that start together should not all begin with the same partition.
  const auto first = static_cast<std::uint32_t>(std::hash<std::int64_t>{}(Clock::now().time_since_epoch().count() / 1000) >> 3);
  const std::string name = topic->name;
  auto queues = std::make_unique<TopicQueues>(std::move(topic), share_bytes_, first);
  queues->batch_bytes = static_cast<std::size_t>(settings_.batch_bytes);
  return *(topics_[name] = std::move(queues));
}

std::size_t Accumulator::size_of(const record_ref& record) {
  std::size_t size = kRecordOverheadBytes + record.key().size() + record.value().size();
  for (const header_view& header : record.headers()) size += kHeaderOverheadBytes + header.name().size() + header.value().size();
  return size;
}

std::int32_t Accumulator::choose_partition(TopicQueues& topic, const record_ref& record, std::size_t size_bytes) const {
  if (record.partition() >= 0) return record.partition();
  const auto count = static_cast<std::int32_t>(topic.metadata->partitions.size());
  return record.key().is_null() ? topic.sticky.next(size_bytes, count) : partition_of_key(to_bytes(record.key()), count);
}

bool Accumulator::append(TopicQueues& topic, const record_ref& record, delivery_fn callback, TimePoint now) {
  const std::size_t size = size_of(record);
  const auto index = static_cast<std::size_t>(choose_partition(topic, record, size));
  while (topic.partitions.size() <= index) {
    topic.partitions.push_back(std::make_unique<PartitionQueue>(topic.metadata->name, static_cast<std::int32_t>(topic.partitions.size()),
                                                                settings_.is_idempotent));
  }
  PartitionQueue& queue = *topic.partitions[index];
  bool is_news = false;
  if (queue.open && queue.open->builder.size_bytes() + size > topic.batch_bytes) {
    close(queue);
    is_news = true;
  }
  if (!queue.open) {
    queue.open = take_spare(now);
    incomplete_.insert(queue.open->counted_id);
    queue.open->first_tag = record.tag();
    list(queue);
    is_news = true;
  }
  PendingBatch& batch = *queue.open;
  headers_.clear();
  for (const header_view& header : record.headers()) headers_.push_back({.name = header.name(), .value = to_bytes(header.value())});
  if (callback) batch.callbacks.emplace_back(batch.builder.record_count(), std::move(callback));
  batch.builder.append({.timestamp = {record.timestamp_ms() >= 0 ? record.timestamp_ms() : now_ms()},
                        .key = to_bytes(record.key()),
                        .value = to_bytes(record.value()),
                        .headers = headers_});
  batch.last_tag = record.tag();
  batch.reserved_bytes += size;
  used_bytes_ += size;
  return is_news;
}

void Accumulator::close(PartitionQueue& queue) {
  queue.ready.push_back(std::move(queue.open));
  list(queue);
}

void Accumulator::list(PartitionQueue& queue) {
  if (std::exchange(queue.is_listed, true)) return;
  active_.push_back(&queue);
}

void Accumulator::close_older_than(TimePoint started_by) {
  for (PartitionQueue* queue : active_) {
    if (queue->open && queue->open->created_at <= started_by) queue->ready.push_back(std::move(queue->open));
  }
}

std::optional<TimePoint> Accumulator::next_due() const {
  std::optional<TimePoint> due;
  for (const PartitionQueue* queue : active_) {
    if (queue->open && (!due || queue->open->created_at < *due)) due = queue->open->created_at;
  }
  if (due) *due += settings_.linger;
  return due;
}

std::unique_ptr<PendingBatch> Accumulator::take_spare(TimePoint now) {
  std::unique_ptr<PendingBatch> batch;
  if (spare_.empty()) {
    batch = std::make_unique<PendingBatch>();
  } else {
    batch = std::move(spare_.back());
    spare_.pop_back();
  }
  batch->reset(next_id_++, now);
  batch->reserved_bytes = 0;
  return batch;
}

void Accumulator::complete(std::unique_ptr<PendingBatch> batch) {
  used_bytes_ -= batch->reserved_bytes;
  incomplete_.erase(incomplete_.find(batch->counted_id));
  if (spare_.size() < kSpareBatches) spare_.push_back(std::move(batch));
}

void Accumulator::replace(std::unique_ptr<PendingBatch> whole, PendingBatch& first, PendingBatch& second) {
  // The halves count as what the whole was, so that a flush that waits for it waits for both.
  first.created_at = second.created_at = whole->created_at;
  first.counted_id = second.counted_id = whole->counted_id;
  incomplete_.insert(whole->counted_id);
  first.reserved_bytes = whole->reserved_bytes / 2;
  second.reserved_bytes = whole->reserved_bytes - first.reserved_bytes;
  if (spare_.size() < kSpareBatches) spare_.push_back(std::move(whole));
}

}  // namespace tidelog::core
