#include "broker/metadata/image.h"

#include <algorithm>

namespace tidelog::broker {

Result<void> Image::apply(const MetadataRecord& record) {
  return std::visit([this](const auto& one) { return apply_one(one); }, record);
}

Result<void> Image::apply_one(const ClusterInfoRecord& record) {
  if (!cluster_id_.empty() && cluster_id_ != record.cluster_id) return Errc::corrupt;
  cluster_id_ = record.cluster_id;
  return {};
}

Result<void> Image::apply_one(const RegisterBrokerRecord& record) {
  brokers_[record.node_id] = {.node_id = record.node_id,
                              .incarnation = record.incarnation,
                              .broker_epoch = record.broker_epoch,
                              .listeners = record.listeners,
                              .rack = record.rack};
  if (record.unclean) raise_leader_epochs(record.node_id);
  return {};
}

void Image::raise_leader_epochs(NodeId leader) {
  std::vector<TopicPointer> changed;
  for (const auto& [name, topic] : by_name_) {
    if (std::ranges::none_of(topic->partitions, [&](const PartitionImage& p) { return p.leader == leader; })) continue;
    auto next = std::make_shared<TopicImage>(*topic);
    for (PartitionImage& partition : next->partitions) {
      if (partition.leader != leader) continue;
      ++partition.leader_epoch;
      ++partition.partition_epoch;
    }
    changed.push_back(std::move(next));
  }
  for (const TopicPointer& topic : changed) replace(topic);
}

void Image::replace(const TopicPointer& topic) {
  by_name_.insert_or_assign(topic->name, topic);
  by_id_.insert_or_assign(topic->id, topic);
}

Result<void> Image::apply_one(const CreateTopicRecord& record) {
  if (find_topic(record.name) != nullptr || find_topic(record.topic_id) != nullptr) return Errc::corrupt;
  replace(std::make_shared<const TopicImage>(
      TopicImage{.id = record.topic_id, .name = record.name, .configs = record.configs, .partitions = record.partitions}));
  partition_count_ += record.partitions.size();
  return {};
}

Result<void> Image::apply_one(const DeleteTopicRecord& record) {
  const auto found = by_id_.find(record.topic_id);
  if (found == by_id_.end()) return Errc::corrupt;
  partition_count_ -= found->second->partitions.size();
  by_name_.erase(found->second->name);
  by_id_.erase(found);
  return {};
}

Result<void> Image::apply_one(const ProducerIdBlockRecord& record) {
  // Ids once given away never come back.
  if (record.next_producer_id < next_producer_id_) return Errc::corrupt;
  next_producer_id_ = record.next_producer_id;
  return {};
}

std::vector<MetadataRecord> Image::snapshot() const {
  std::vector<MetadataRecord> records;
  records.emplace_back(ClusterInfoRecord{.cluster_id = cluster_id_});
  for (const auto& [node, broker] : brokers_) {
    records.emplace_back(RegisterBrokerRecord{.node_id = node,
                                              .incarnation = broker.incarnation,
                                              .broker_epoch = broker.broker_epoch,
                                              .listeners = broker.listeners,
                                              .rack = broker.rack});
  }
  for (const auto& [name, topic] : by_name_) {
    records.emplace_back(
        CreateTopicRecord{.topic_id = topic->id, .name = name, .configs = topic->configs, .partitions = topic->partitions});
  }
  records.emplace_back(ProducerIdBlockRecord{.next_producer_id = next_producer_id_});
  return records;
}

bool Image::is_consistent() const {
  if (by_name_.size() != by_id_.size()) return false;
  const auto is_sound = [](const PartitionImage& partition) {
    const auto is_replica = [&](NodeId node) { return std::ranges::find(partition.replicas, node) != partition.replicas.end(); };
    const bool has_leader = partition.leader.value >= 0;
    return std::ranges::all_of(partition.isr, is_replica) &&
           (!has_leader || std::ranges::find(partition.isr, partition.leader) != partition.isr.end());
  };
  return std::ranges::all_of(by_name_, [&](const auto& entry) {
    const auto& [name, topic] = entry;
    return topic->name == name && find_topic(topic->id) == topic.get() && std::ranges::all_of(topic->partitions, is_sound);
  });
}

bool Image::operator==(const Image& other) const {
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first && *a.second == *b.second; };
  return cluster_id_ == other.cluster_id_ && brokers_ == other.brokers_ && next_producer_id_ == other.next_producer_id_ &&
         std::ranges::equal(by_name_, other.by_name_, same);
}

}  // namespace tidelog::broker
