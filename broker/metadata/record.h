#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidelog::broker {

using BrokerEpoch = Quantity<struct BrokerEpochTag, std::int64_t>;  ///< Grows with every registration of a node; -1 is "never registered".
using PartitionEpoch = Quantity<struct PartitionEpochTag, std::int32_t>;  ///< Grows with every change of a partition's state (KIP-497).

inline constexpr NodeId kNoNode{-1};

/// Keys and values a user set, sorted by key, each key once. Fits `ConfigOverrides` (broker/config/topic_config.h).
using Configs = std::vector<std::pair<std::string, std::string>>;

/// An address under which a broker can be reached, by the name of its listener (KIP-103).
struct BrokerListener {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const BrokerListener&) const = default;
};

/// Who serves a partition (KIP-101 leader epochs, KIP-497 partition epochs).
/// Invariant: the ISR is a subset of the replicas, and the leader is in it or is -1.
struct PartitionState {
  PartitionIndex index;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch;
  PartitionEpoch partition_epoch;
  bool operator==(const PartitionState&) const = default;
};

/// A broker starts, first or again (KIP-631). If `unclean`, applying it raises the leader epoch of every partition the node leads.
struct RegisterBroker {
  NodeId node_id;
  Uuid incarnation;  ///< Of the process: a new one each start.
  BrokerEpoch broker_epoch;
  std::vector<BrokerListener> listeners;
  std::string rack;      ///< Empty: none.
  bool unclean = false;  ///< The last stop may have lost what was not yet synced.
  bool operator==(const RegisterBroker&) const = default;
};

/// A whole topic: there is no moment at which it exists with some of its partitions.
struct CreateTopic {
  Uuid topic_id;
  std::string name;
  Configs configs;
  std::vector<PartitionState> partitions;  ///< By index, without gaps.
  bool operator==(const CreateTopic&) const = default;
};

struct DeleteTopic {
  Uuid topic_id;
  bool operator==(const DeleteTopic&) const = default;
};

/// What a configuration key belongs to, with the numbers of Kafka's ConfigResource.
enum class ResourceType : std::uint8_t { topic = 2, broker = 4 };

/// Sets a key, or takes it back if there is no value. Resource names: a topic's name; a node id in digits, or empty for all brokers.
struct SetConfig {
  ResourceType type = ResourceType::topic;
  std::string resource;
  std::string key;
  std::optional<std::string> value;
  bool operator==(const SetConfig&) const = default;
};

/// Every producer id below `next_producer_id` is given away: to this node, or to others before it (KIP-730).
struct ProducerIdBlock {
  NodeId node_id = kNoNode;
  BrokerEpoch broker_epoch{-1};
  ProducerId next_producer_id;
  bool operator==(const ProducerIdBlock&) const = default;
};

/// The cluster's identity, once and for all. Clients see it in base64url.
struct ClusterInfo {
  Uuid cluster_id;
  bool operator==(const ClusterInfo&) const = default;
};

/// One change of the cluster metadata, and one record of `__cluster_metadata`.
using MetadataRecord = std::variant<RegisterBroker, CreateTopic, DeleteTopic, SetConfig, ProducerIdBlock, ClusterInfo>;

}  // namespace tidelog::broker
