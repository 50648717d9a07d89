#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metadata/records.h"

namespace tidelog::broker {

using PartitionImage = PartitionRecord;

struct TopicImage {
  Uuid id;
  std::string name;
  std::map<std::string, std::string> configs;
  std::vector<PartitionImage> partitions;  ///< Partition n at place n.
  bool operator==(const TopicImage&) const = default;
};

struct BrokerImage {
  NodeId node_id;
  Uuid incarnation;
  std::int64_t broker_epoch = 0;
  std::vector<ListenerRecord> listeners;
  std::string rack;
  bool operator==(const BrokerImage&) const = default;
};

/// What is committed about the cluster, as one value. Shards hold it as `shared_ptr<const Image>` and swap it whole.
/// A copy shares the topics, so changing one topic among thousands copies pointers only.
class Image {
 public:
  using TopicPointer = std::shared_ptr<const TopicImage>;

  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] const std::map<NodeId, BrokerImage>& brokers() const { return brokers_; }
  [[nodiscard]] ProducerId next_producer_id() const { return next_producer_id_; }

  /// Null if there is no such topic.
  [[nodiscard]] const TopicImage* find_topic(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.get();
  }
  [[nodiscard]] const TopicImage* find_topic(const Uuid& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second.get();
  }
  /// Sorted by name.
  [[nodiscard]] const std::map<std::string, TopicPointer, std::less<>>& topics() const { return by_name_; }
  [[nodiscard]] std::size_t partition_count() const { return partition_count_; }

  /// What changes it: only `MetadataMachine::apply` calls this. `Errc::corrupt` if the record cannot be true after those before it.
  Result<void> apply(const MetadataRecord& record);

  /// Records that make an empty image into this one.
  [[nodiscard]] std::vector<MetadataRecord> snapshot() const;
  /// In-sync sets are of replicas, leaders of in-sync sets, names and ids belong together.
  [[nodiscard]] bool is_consistent() const;
  bool operator==(const Image& other) const;

 private:
  Result<void> apply_one(const ClusterInfoRecord& record);
  Result<void> apply_one(const RegisterBrokerRecord& record);
  Result<void> apply_one(const CreateTopicRecord& record);
  Result<void> apply_one(const DeleteTopicRecord& record);
  Result<void> apply_one(const ProducerIdBlockRecord& record);
  void raise_leader_epochs(NodeId leader);
  void replace(const TopicPointer& topic);

  std::string cluster_id_;
  std::map<NodeId, BrokerImage> brokers_;
  std::map<std::string, TopicPointer, std::less<>> by_name_;
  std::map<Uuid, TopicPointer> by_id_;
  ProducerId next_producer_id_{0};
  std::size_t partition_count_ = 0;
};

}  // namespace tidelog::broker
