#pragma once

#include "broker/metadata/client_quotas.h"
#include "proto/base/result.h"
#include "proto/base/types.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidelog::broker {

// What may be written to the metadata log. Each record says what became true, never what was asked for, so replaying needs no judgement.

struct ClusterInfoRecord {
  std::string cluster_id;
  bool operator==(const ClusterInfoRecord&) const = default;
};

struct ListenerRecord {
  std::string name;
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const ListenerRecord&) const = default;
};

/// A broker started. `unclean`: it did not stop cleanly before, so bytes it never synced may be gone; the leader epoch of every partition
/// it leads rises by one, and clients that read such bytes can tell.
struct RegisterBrokerRecord {
  NodeId node_id;
  Uuid incarnation;
  std::int64_t broker_epoch = 0;
  std::vector<ListenerRecord> listeners;
  std::string rack;
  bool unclean = false;
  bool operator==(const RegisterBrokerRecord&) const = default;
};

struct PartitionRecord {
  PartitionIndex index;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  NodeId leader{-1};
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;
  /// The log directory of each replica, in their order; zero where nobody said yet. Empty: every broker that holds one has one directory.
  std::vector<Uuid> directories{};
  bool operator==(const PartitionRecord&) const = default;
};

/// A topic with all its partitions: one record, so that no crash leaves half a topic.
struct CreateTopicRecord {
  Uuid topic_id;
  std::string name;
  std::map<std::string, std::string> configs;
  std::vector<PartitionRecord> partitions;
  bool operator==(const CreateTopicRecord&) const = default;
};

/// Partitions that a topic got beside those it had: one record, so that no crash leaves half of what was asked for.
struct AddPartitionsRecord {
  Uuid topic_id;
  std::vector<PartitionRecord> partitions;  ///< Numbered from where the topic ended before.
  bool operator==(const AddPartitionsRecord&) const = default;
};

struct PartitionDirectories {
  PartitionIndex index;
  std::vector<Uuid> directories;  ///< As in `PartitionRecord`.
  bool operator==(const PartitionDirectories&) const = default;
};

/// Where replicas of a topic's partitions are was found out, or they were moved.
struct AssignDirectoriesRecord {
  Uuid topic_id;
  std::vector<PartitionDirectories> partitions;
  bool operator==(const AssignDirectoriesRecord&) const = default;
};

struct DeleteTopicRecord {
  Uuid topic_id;
  bool operator==(const DeleteTopicRecord&) const = default;
};

/// What a configuration key belongs to, numbered as Kafka's ConfigResource.
enum class ConfigScope : std::uint8_t { topic = 2, broker = 4, client_metrics = 16, group = 32 };

struct ConfigResource {
  ConfigScope scope = ConfigScope::topic;
  std::string name;
  auto operator<=>(const ConfigResource&) const = default;
};

/// A key was set, or taken back if there is no value. `resource` is the name of a topic, a group or a client metrics subscription, or a
/// node id in digits, or empty for all brokers.
struct SetConfigRecord {
  ConfigScope scope = ConfigScope::topic;
  std::string resource;
  std::string key;
  std::optional<std::string> value;
  bool operator==(const SetConfigRecord&) const = default;
};

/// Producer ids below `next_producer_id` are given away to `node_id`.
struct ProducerIdBlockRecord {
  NodeId node_id;
  std::int64_t broker_epoch = 0;
  ProducerId next_producer_id{0};
  bool operator==(const ProducerIdBlockRecord&) const = default;
};

/// Quotas of an entity were set, or taken back where there is no value: one record for all that one request changed of it.
struct ClientQuotaRecord {
  QuotaEntity entity;
  std::map<std::string, std::optional<double>> values;
  bool operator==(const ClientQuotaRecord&) const = default;
};

using MetadataRecord = std::variant<ClusterInfoRecord, RegisterBrokerRecord, CreateTopicRecord, DeleteTopicRecord, ProducerIdBlockRecord,
                                    SetConfigRecord, AddPartitionsRecord, ClientQuotaRecord, AssignDirectoriesRecord>;

/// Where `node` keeps its replica of the partition; zero: it holds none, or nobody said.
Uuid directory_of(const PartitionRecord& partition, NodeId node);

/// The stored form (proto/internal/metadata_records.proto). Equal records give equal bytes.
std::string encode_record(const MetadataRecord& record);
/// `Errc::unsupported` for a kind of record or a field of it that this version does not know: skipping it would silently lose part of what
/// the cluster is. `Errc::corrupt` for bytes that are no record.
Result<MetadataRecord> decode_record(Bytes bytes);

}  // namespace tidelog::broker
