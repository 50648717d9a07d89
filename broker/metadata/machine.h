#pragma once

#include <functional>
#include <optional>
#include <span>

#include "broker/metadata/image.h"
#include "proto/error_code.h"

namespace tidelog::broker {

// What is asked. Views last as long as the command.

struct TopicAssignment {
  std::int32_t partition = 0;
  std::vector<NodeId> replicas;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;           ///< -1: the default.
  std::int32_t replication_factor = -1;   ///< -1: the default.
  std::vector<TopicAssignment> assignments;  ///< Not empty: says partitions and replicas by itself.
  std::map<std::string, std::string> configs;
  Uuid id;                                ///< For the topic, should it come to be: random, from the driver.
};

/// Why a topic's configs cannot be; empty: they can.
using ConfigCheck = std::function<std::string(const std::map<std::string, std::string>&)>;

struct CreateTopicsCommand {
  std::vector<NewTopic> topics;
  std::int32_t default_partitions = 1;
  std::int32_t default_replication_factor = 1;
  std::int32_t max_partitions = 10'000;   ///< Of one request.
  std::size_t first_broker = 0;           ///< Where placement begins: random, from the driver.
  bool validate_only = false;
  ConfigCheck check_configs;
};

struct TopicSelector {
  std::string name;  ///< Empty: by id.
  Uuid id;
};

// What is answered.

struct TopicVerdict {
  std::string name;
  Uuid id;
  ErrorCode error = ErrorCode::none;
  std::string message;
  std::int32_t partitions = -1;
  std::int32_t replication_factor = -1;
};

struct TopicsDecision {
  std::vector<MetadataRecord> records;
  std::vector<TopicVerdict> verdicts;  ///< One for each topic asked, in that order.
};

struct ProducerIdsDecision {
  std::vector<MetadataRecord> records;
  ProducerId first{-1};
  ProducerId end{-1};
};

struct RegisterDecision {
  std::vector<MetadataRecord> records;
  std::int64_t broker_epoch = 0;
};

/// What the cluster knows of itself: brokers, topics, partitions, producer ids. Pure: no clock, no random source, no file.
///
/// `decide` functions are const: they say which records would make an answer true, and the answer. `apply` is the only place state changes,
/// live and on replay alike. Two decisions before an apply would be made on the same state, so the driver makes one at a time (R8).
///
/// Topic:   (none) --CreateTopic--> live --DeleteTopic--> (none); the same name then gets a new id (R10).
/// Broker:  registered --RegisterBroker--> registered again, with a higher epoch; unclean: leader epochs of what it leads rise.
class MetadataMachine {
 public:
  /// CreateTopics (KIP-4; https://kafka.apache.org/protocol: key 19). Each topic has its own verdict.
  [[nodiscard]] TopicsDecision create_topics(const CreateTopicsCommand& command) const;
  /// DeleteTopics (key 20), by name or by id (KIP-516).
  [[nodiscard]] TopicsDecision delete_topics(std::span<const TopicSelector> topics) const;
  [[nodiscard]] ProducerIdsDecision allocate_producer_ids(NodeId node, std::int64_t broker_epoch) const;
  [[nodiscard]] RegisterDecision register_broker(RegisterBrokerRecord record) const;

  /// `Errc::corrupt`: the record contradicts those before it; the machine is unchanged.
  Result<void> apply(const MetadataRecord& record);

  [[nodiscard]] const std::shared_ptr<const Image>& image() const { return image_; }

 private:
  void check_invariants() const;

  std::shared_ptr<const Image> image_ = std::make_shared<const Image>();
};

}  // namespace tidelog::broker
