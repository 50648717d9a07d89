#pragma once

#include "broker/metadata/record.h"
#include "proto/error_code.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

using proto::ErrorCode;

/// What callers ask of the metadata machine and what it answers. Commands may point into a request's frame, answers may not: they wait
/// for the commit (R8). Random ids and seeds come in with the command, so that deciding stays a pure function.
///
/// Every decision has `records`: append them, apply them in order, and only then (once committed) give out the rest of it.

/// A key and its value; no value is null on the wire.
struct ConfigSetting {
  std::string_view key;
  std::optional<std::string_view> value;
};

/// The replicas a client wants for a partition, the preferred leader first.
struct ReplicaAssignment {
  PartitionIndex partition;
  std::vector<NodeId> brokers;
};

struct NewTopic {
  std::string_view name;
  Uuid topic_id;                                 ///< Random and never used before; for this topic if it is created.
  std::int32_t partition_count = -1;             ///< -1: the default.
  std::int16_t replication_factor = -1;          ///< -1: the default.
  std::vector<ReplicaAssignment> assignments{};  ///< If any, both counts must be -1.
  std::vector<ConfigSetting> configs{};          ///< A key twice: the last one counts.
};

/// Says what is wrong with a topic's configuration, or nothing. Pure: it sees the machine's state frozen.
using ConfigCheck = std::function<std::optional<std::string>(const Configs&)>;

/// CreateTopics (KIP-4; defaults by -1: KIP-464; topic ids: KIP-516).
struct CreateTopicsCommand {
  std::vector<NewTopic> topics;
  bool validate_only = false;        ///< The same answers, and no records.
  std::uint32_t placement_seed = 0;  ///< Where round-robin placement starts. Random, or all first leaders land on one broker.
  ConfigCheck check_configs;         ///< Required if any topic has configs.
};

struct CreateTopicVerdict {
  std::string name;
  ErrorCode error = ErrorCode::none;
  std::string message;  ///< Empty if there is no error.
  Uuid topic_id;        ///< Zero with `validate_only` and with an error, like all that follows.
  std::int32_t partition_count = -1;
  std::int16_t replication_factor = -1;
  Configs configs;
};

struct CreateTopicsDecision {
  std::vector<MetadataRecord> records;
  std::vector<CreateTopicVerdict> verdicts;  ///< One a name, in the order of the request: a name given twice is answered once.
};

/// Exactly one of the two is to be given; the id is zero if not.
struct TopicToDelete {
  std::optional<std::string_view> name;
  Uuid topic_id;
};

/// DeleteTopics (KIP-4, by id: KIP-516).
struct DeleteTopicsCommand {
  std::vector<TopicToDelete> topics;
};

/// A topic that was found is answered with name and id, whichever was asked for; otherwise with what was asked for.
struct DeleteTopicVerdict {
  std::optional<std::string> name;
  Uuid topic_id;
  ErrorCode error = ErrorCode::none;
  std::string message;
};

struct DeleteTopicsDecision {
  std::vector<MetadataRecord> records;
  std::vector<DeleteTopicVerdict> verdicts;  ///< A topic given twice is answered once, and stays.
};

/// BrokerRegistration (KIP-631).
struct RegisterBrokerCommand {
  NodeId node_id;
  Uuid incarnation;          ///< Random, made once when the process starts.
  BrokerEpoch broker_epoch;  ///< Greater than any before: the offset its record will get.
  std::vector<BrokerListener> listeners;
  std::string rack;
  bool clean_stop = false;  ///< The process before this one left its marker: everything it appended was synced. Also on a first start.
};

struct RegisterBrokerDecision {
  std::vector<MetadataRecord> records;  ///< Empty for a retry of a registration that holds already.
  ErrorCode error = ErrorCode::none;
  BrokerEpoch broker_epoch{-1};
};

/// AllocateProducerIds (KIP-730).
struct AllocateProducerIdsCommand {
  NodeId node_id;
  BrokerEpoch broker_epoch;
  std::int32_t count = 1000;
};

/// The node may hand out `first` to `first + count - 1`, and what is left of it dies with the process.
struct AllocateProducerIdsDecision {
  std::vector<MetadataRecord> records;
  ErrorCode error = ErrorCode::none;
  ProducerId first{-1};
  std::int32_t count = 0;
};

/// A decision whose records say all.
struct Decision {
  std::vector<MetadataRecord> records;
};

}  // namespace tidelog::broker
