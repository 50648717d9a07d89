#pragma once

#include "broker/metadata/record.h"
#include "broker/metadata/topic_table.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// A registered broker.
struct BrokerImage {
  NodeId node_id;
  Uuid incarnation;
  BrokerEpoch broker_epoch;
  std::vector<BrokerListener> listeners;
  std::string rack;  ///< Empty: none.

  /// Null if the broker has no listener of that name. Metadata advertises the listener a request came in on.
  [[nodiscard]] const BrokerListener* find_listener(std::string_view name) const;
  bool operator==(const BrokerImage&) const = default;
};

using BrokerPointer = std::shared_ptr<const BrokerImage>;

/// What the cluster is, as of one record of the metadata log. Copies share nearly everything.
/// Thread: shards read it through `shared_ptr<const Image>`; only the machine changes its own, which nobody else sees.
/// Invariant: both topic tables hold the same topics; names and ids are unique.
class Image {
 public:
  /// Lookups allocate nothing. Null if there is none. The pointer lives as long as this image.
  [[nodiscard]] const TopicImage* find_topic(std::string_view name) const;
  [[nodiscard]] const TopicImage* find_topic(const Uuid& id) const;
  [[nodiscard]] const PartitionState* find_partition(const TopicPartition& partition) const;
  [[nodiscard]] const BrokerImage* find_broker(NodeId node_id) const;

  [[nodiscard]] std::size_t topic_count() const { return by_name_.size(); }
  /// Calls `visit(const TopicImage&)` for each topic, in no order that means anything.
  template <class Visit>
  void for_each_topic(Visit visit) const {
    by_name_.for_each([&](const TopicPointer& topic) { visit(*topic); });
  }
  [[nodiscard]] std::vector<TopicPointer> topics_by_name() const;

  /// By node id, ascending.
  [[nodiscard]] std::span<const BrokerPointer> brokers() const { return brokers_; }
  /// What was set for a broker, or for all of them (empty name).
  [[nodiscard]] std::span<const std::pair<std::string, std::string>> broker_configs(std::string_view resource) const;
  [[nodiscard]] std::span<const std::pair<std::string, Configs>> broker_configs() const { return broker_configs_; }

  /// As clients see it: base64url, or empty before there is one.
  [[nodiscard]] const std::string& cluster_id() const { return cluster_id_text_; }
  [[nodiscard]] const Uuid& cluster_uuid() const { return cluster_id_; }
  /// Who leads the metadata quorum; -1 if nobody is known to.
  [[nodiscard]] NodeId controller_id() const { return controller_id_; }
  [[nodiscard]] const ProducerIdBlock& producer_ids() const { return producer_ids_; }

  /// Deep: equal contents, whoever shares what.
  bool operator==(const Image& other) const;

 private:
  friend class MetadataMachine;

  void put(TopicPointer topic);
  void remove(const TopicPointer& topic);
  void put(BrokerPointer broker);
  void set_broker_config(const SetConfig& record);
  void set_cluster_id(const Uuid& cluster_id);

  TopicTable by_name_{TopicTable::Key::name};
  TopicTable by_id_{TopicTable::Key::id};
  std::vector<BrokerPointer> brokers_;
  std::vector<std::pair<std::string, Configs>> broker_configs_;  ///< By resource name, ascending; none is empty.
  ProducerIdBlock producer_ids_;
  Uuid cluster_id_;
  std::string cluster_id_text_;
  NodeId controller_id_ = kNoNode;
};

}  // namespace tidelog::broker
