#include "broker/group/offset_table.h"

#include "broker/group/memory.h"

namespace tidelog::broker {

StoredOffset::StoredOffset(TopicPool::Topic* topic, PartitionIndex partition, const OffsetRecord::Value& value)
    : topic_(topic), partition_(partition), leader_epoch_(value.leader_epoch), offset_(value.offset), committed_at_(value.committed_at) {
  if (value.metadata.empty() && value.expires_at == TimestampMs{-1}) return;
  rest_ = std::make_unique<const Rest>(Rest{.metadata = value.metadata, .expires_at = value.expires_at});
}

OffsetRecord::Value StoredOffset::value() const {
  return {.offset = offset_,
          .leader_epoch = leader_epoch_,
          .metadata = std::string(metadata()),
          .committed_at = committed_at_,
          .expires_at = expires_at(),
          .topic_id = topic_id()};
}

std::size_t StoredOffset::bytes_of(std::string_view metadata, TimestampMs expires_at) {
  const std::size_t bytes = sizeof(StoredOffset) + kNodeBytes;
  return metadata.empty() && expires_at == TimestampMs{-1} ? bytes : bytes + sizeof(Rest) + metadata.size() + kNodeBytes;
}

std::size_t StoredOffset::bytes() const { return bytes_of(metadata(), expires_at()); }

OffsetTable::~OffsetTable() {
  for (const StoredOffset& offset : offsets_) pool_.release(offset.topic_);
}

void OffsetTable::put(const Key& key, const OffsetRecord::Value& value) {
  const auto at = offsets_.lower_bound(key);
  bytes_ += StoredOffset::bytes_of(value.metadata, value.expires_at);
  if (at == offsets_.end() || InOrder::key(*at) != key) {
    offsets_.emplace_hint(at, pool_.take(key.topic, value.topic_id), key.partition, value);
    return;
  }
  TopicPool::Topic* const before = at->topic_;
  TopicPool::Topic* const topic = before->first.id == value.topic_id ? TopicPool::take(before) : pool_.take(key.topic, value.topic_id);
  const auto next = std::next(at);
  bytes_ -= at->bytes();
  auto node = offsets_.extract(at);
  node.value() = StoredOffset(topic, key.partition, value);
  offsets_.insert(next, std::move(node));
  pool_.release(before);  // Last, for the key may be a view of its name.
}

bool OffsetTable::erase(const Key& key) {
  const auto at = offsets_.find(key);
  if (at == offsets_.end()) return false;
  TopicPool::Topic* const topic = at->topic_;
  bytes_ -= at->bytes();
  offsets_.erase(at);
  pool_.release(topic);
  return true;
}

const StoredOffset* OffsetTable::find(const Key& key) const {
  const auto at = offsets_.find(key);
  return at == offsets_.end() ? nullptr : &*at;
}

}  // namespace tidelog::broker
