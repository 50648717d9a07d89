#include "broker/handlers/fetch_session.h"

namespace tidelog::broker {

void FetchSession::update(const proto::FetchRequest& request) {
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      const Key key{.topic = std::string(topic.topic), .id = {.topic_id = topic.topic_id, .partition = {partition.partition}}};
      auto [entry, is_new] = index_.try_emplace(key);
      if (is_new) {
        items_.push_back({.topic = key.topic, .id = key.id});
        entry->second = std::prev(items_.end());
      }
      FetchItem& item = *entry->second;
      item.fetch_offset = partition.fetch_offset;
      item.max_bytes = partition.partition_max_bytes;
      item.current_leader_epoch = partition.current_leader_epoch;
      item.last_fetched_epoch = partition.last_fetched_epoch;
    }
  }
  for (const auto& topic : request.forgotten_topics_data) {
    for (const std::int32_t partition : topic.partitions) {
      const auto found = index_.find({.topic = std::string(topic.topic), .id = {.topic_id = topic.topic_id, .partition = {partition}}});
      if (found == index_.end()) continue;
      items_.erase(found->second);
      index_.erase(found);
    }
  }
}

}  // namespace tidelog::broker
