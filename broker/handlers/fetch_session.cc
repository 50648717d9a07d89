#include "broker/handlers/fetch_session.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// Of the list's and the index's nodes, beyond what they hold.
constexpr std::size_t kNodeBytes = 48;
constexpr std::size_t kFewItems = 8;

}  // namespace

/// Counts the name with each item: they may go in any order, and more than there is does no harm.
std::size_t FetchSession::size_of(const FetchItem& item) { return sizeof(FetchItem) + sizeof(Key) + kNodeBytes + item.topic->size(); }

std::uint64_t FetchSession::hash_of(std::string_view topic, std::size_t partitions) const {
  const bool is_needed = !index_.empty() || items_.size() + partitions > kFewItems;
  return is_needed ? KeyedHash::of(topic) : 0;
}

FetchSession::Items::iterator FetchSession::find(const Key& key) {
  if (index_.empty()) {
    return std::ranges::find_if(items_, [&](const FetchItem& item) { return item.id == key.id && *item.topic == key.topic; });
  }
  const auto found = index_.find(key);
  return found == index_.end() ? items_.end() : found->second;
}

FetchItem& FetchSession::item_for(const Key& key, std::shared_ptr<const std::string>& name) {
  if (const auto known = find(key); known != items_.end()) return *known;
  if (name == nullptr) name = std::make_shared<const std::string>(key.topic);
  items_.push_back({.topic = name, .id = key.id});
  const auto added = std::prev(items_.end());
  size_bytes_ += size_of(*added);
  if (!index_.empty()) {
    add_to_index(added, key.topic_hash);
  } else if (items_.size() > kFewItems) {
    for (auto item = items_.begin(); item != items_.end(); ++item) add_to_index(item, KeyedHash::of(*item->topic));
  }
  return *added;
}

void FetchSession::forget(const Key& key) {
  const auto item = find(key);
  if (item == items_.end()) return;
  size_bytes_ -= size_of(*item);
  index_.erase(key);  // Before the name that its key views.
  items_.erase(item);
}

void FetchSession::update(const proto::FetchRequest& request) {
  for (const auto& topic : request.topics) {
    std::shared_ptr<const std::string> name;
    const std::uint64_t hash = hash_of(topic.topic, topic.partitions.size());
    for (const auto& partition : topic.partitions) {
      const TopicPartition id{.topic_id = topic.topic_id, .partition = {partition.partition}};
      FetchItem& item = item_for({.topic = topic.topic, .id = id, .topic_hash = hash}, name);
      item.fetch_offset = partition.fetch_offset;
      item.max_bytes = partition.partition_max_bytes;
      item.current_leader_epoch = partition.current_leader_epoch;
      item.last_fetched_epoch = partition.last_fetched_epoch;
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    const std::uint64_t hash = hash_of(topic.topic, 0);
    for (const std::int32_t partition : topic.partitions) {
      forget({.topic = topic.topic, .id = {.topic_id = topic.topic_id, .partition = {partition}}, .topic_hash = hash});
    }
  }
}

}  // namespace tidelog::broker
