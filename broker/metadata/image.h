#pragma once

#include "broker/metadata/records.h"
#include "broker/metadata/shared_map.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// What is committed about the cluster, as one value. Shards hold it as `shared_ptr<const Image>` and swap it whole. A copy shares the
/// topics and most of the way to them: changing one among thousands copies a chunk of pointers. Invariant: every topic is found by its name
/// and by its id; partition states are sound (`is_consistent`).
class Image {
 public:
  using TopicPointer = std::shared_ptr<const TopicImage>;
  using Configs = std::map<std::string, std::string>;

  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_; }
  [[nodiscard]] const std::map<NodeId, BrokerImage>& brokers() const { return brokers_; }
  [[nodiscard]] ProducerId next_producer_id() const { return next_producer_id_; }

  /// Null if there is no such topic. Allocates nothing; valid while this image is.
  [[nodiscard]] const TopicImage* find_topic(std::string_view name) const;
  [[nodiscard]] const TopicImage* find_topic(const Uuid& id) const;
  /// A topic whose name differs from this one in '.' and '_' only, or is the same.
  [[nodiscard]] const TopicImage* find_lookalike(std::string_view name) const;
  /// Sorted by name.
  [[nodiscard]] const SharedMap<std::string, TopicPointer>& topics() const { return by_name_; }
  /// What was set for it; empty if nothing was, or there is no such topic. Valid while this image is.
  [[nodiscard]] const Configs& configs_of(ConfigScope scope, const std::string& name) const;
  /// Whatever has configs beside topics. Brokers go by node id in digits, or by the empty name for all of them.
  [[nodiscard]] const std::map<ConfigResource, Configs>& resource_configs() const { return resource_configs_; }
  [[nodiscard]] const ClientQuotas& client_quotas() const { return *client_quotas_; }
  [[nodiscard]] std::size_t partition_count() const { return partition_count_; }
  /// Replicas that are in that log directory.
  [[nodiscard]] std::size_t partitions_in(const Uuid& directory) const;

  /// What changes it: only `MetadataMachine::apply` calls this. `Errc::corrupt` if the record cannot be true after those before it.
  Result<void> apply(const MetadataRecord& record);

  /// Records that make an empty image into this one.
  [[nodiscard]] std::vector<MetadataRecord> snapshot() const;
  /// In-sync sets are of replicas, leaders of in-sync sets, names and ids belong together. Walks every partition.
  [[nodiscard]] bool is_consistent() const;
  bool operator==(const Image& other) const;

 private:
  Result<void> apply_one(const ClusterInfoRecord& record);
  Result<void> apply_one(const RegisterBrokerRecord& record);
  Result<void> apply_one(const CreateTopicRecord& record);
  Result<void> apply_one(const AddPartitionsRecord& record);
  Result<void> apply_one(const AssignDirectoriesRecord& record);
  Result<void> apply_one(const DeleteTopicRecord& record);
  Result<void> apply_one(const ProducerIdBlockRecord& record);
  Result<void> apply_one(const SetConfigRecord& record);
  Result<void> apply_one(const ClientQuotaRecord& record);
  using DirectoryCounts = std::map<Uuid, std::size_t>;  ///< No directory with none.
  static void count(const std::vector<PartitionImage>& partitions, DirectoryCounts& counts);
  void uncount(const std::vector<PartitionImage>& partitions);
  void raise_leader_epochs(NodeId leader);
  void replace(const TopicPointer& topic);

  std::string cluster_id_;
  std::map<NodeId, BrokerImage> brokers_;
  SharedMap<std::string, TopicPointer> by_name_;
  SharedMap<Uuid, TopicPointer> by_id_;
  SharedMap<std::string, TopicPointer> by_metric_form_;                             ///< Only names that can have lookalikes.
  std::map<ConfigResource, Configs> resource_configs_;                              ///< None of them empty.
  std::shared_ptr<ClientQuotas> client_quotas_ = std::make_shared<ClientQuotas>();  ///< Changed only while no other image has it.
  ProducerId next_producer_id_{0};
  std::size_t partition_count_ = 0;
  DirectoryCounts in_directories_;
};

/// A hash over the snapshot's bytes. Machines that differ in it after the same records have diverged.
std::uint64_t fingerprint(const Image& image);

}  // namespace tidelog::broker
