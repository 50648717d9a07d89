#pragma once

#include "broker/metadata/image.h"
#include "broker/metadata/placement.h"
#include "proto/error_code.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

// What is asked. Views last as long as the command.

struct TopicAssignment {
  std::int32_t partition = 0;
  std::vector<NodeId> replicas;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;              ///< -1: the default.
  std::int32_t replication_factor = -1;      ///< -1: the default.
  std::vector<TopicAssignment> assignments;  ///< Not empty: says partitions and replicas by itself.
  std::map<std::string, std::string> configs;
  std::string config_without_value;  ///< A config that was given as null, if any was.
  Uuid id;                           ///< For the topic, should it come to be: random, from the driver.
};

/// Why a topic's configs cannot be; empty: they can.
using ConfigCheck = std::function<std::string(const std::map<std::string, std::string>&)>;

struct CreateTopicsCommand {
  std::vector<NewTopic> topics;
  std::int32_t default_partitions = 1;
  std::int32_t default_replication_factor = 1;
  std::int32_t max_partitions = 10'000;  ///< Of one request.
  std::size_t first_broker = 0;          ///< Where placement begins: random, from the driver.
  bool validate_only = false;
  ConfigCheck check_configs;
  DirectoryChoice directories{};  ///< Of the broker that decides.
};

/// What is done to a key, by the protocol's numbers.
enum class ConfigOperation : std::uint8_t { set = 0, remove = 1, append = 2, subtract = 3 };

struct ConfigChange {
  std::string key;
  std::int8_t operation = 0;  ///< As asked: it may be none of `ConfigOperation`.
  std::optional<std::string> value;
};

struct ResourceChange {
  std::int8_t type = 0;  ///< As asked: it may be no `ConfigScope`.
  std::string name;
  std::vector<ConfigChange> changes;
};

/// Which limit of configs a resource met; docs/limits.md tells them.
enum class ConfigLimit : std::uint8_t { none, resources, unknown_keys, one_request };

/// Why configs cannot be; empty: they can.
struct ConfigProblem {
  std::string text;
  ConfigLimit met = ConfigLimit::none;
};

/// What the machine has to know about keys: it has no table of them.
class ConfigRules {
 public:
  [[nodiscard]] virtual bool is_list(ConfigScope scope, std::string_view key) const = 0;
  /// The list that APPEND and SUBTRACT begin with when the key was never set.
  [[nodiscard]] virtual std::string list_in_force(ConfigScope scope, std::string_view key) const = 0;
  /// Why the resource cannot have these configs.
  [[nodiscard]] virtual ConfigProblem problem(const ConfigResource& resource, const std::map<std::string, std::string>& configs) const = 0;

 protected:
  ~ConfigRules() = default;
};

struct AlterConfigsCommand {
  std::span<const ResourceChange> resources;
  bool replaces = false;  ///< What is not mentioned is taken back (AlterConfigs); otherwise it stays (IncrementalAlterConfigs).
  bool validate_only = false;
  NodeId broker;  ///< Who is asked: a broker changes its own configs only.
  const ConfigRules& rules;
};

struct MorePartitions {
  std::string topic;
  std::int32_t count = 0;                                       ///< In all, afterwards.
  std::optional<std::vector<std::vector<NodeId>>> assignments;  ///< Replicas of each new partition; none: they are placed here.
};

struct CreatePartitionsCommand {
  std::vector<MorePartitions> topics;
  std::int32_t max_partitions = 10'000;  ///< New ones, of one request.
  std::size_t first_broker = 0;          ///< Where placement begins: random, from the driver.
  bool validate_only = false;
  DirectoryChoice directories{};  ///< Of the broker that decides.
};

struct QuotaAlteration {
  std::vector<std::pair<std::string, std::optional<std::string>>> entity;  ///< Kind and name; no name: the default of the kind.
  std::vector<std::pair<std::string, std::optional<double>>> values;       ///< No value: take it back.
  std::string problem;                                                     ///< Why it cannot be, if whoever read it knows.
};

struct AlterClientQuotasCommand {
  std::vector<QuotaAlteration> entries;
  bool validate_only = false;
};

struct TopicSelector {
  std::optional<std::string> name;  ///< None: by id.
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
  /// In the order of what was asked. A topic asked for twice is answered once, and is neither made nor deleted.
  std::vector<TopicVerdict> verdicts;
};

struct ConfigVerdict {
  ErrorCode error = ErrorCode::none;
  std::string message;
  ConfigLimit met = ConfigLimit::none;
};

struct QuotaVerdict {
  ErrorCode error = ErrorCode::none;
  std::string message;
};

struct QuotasDecision {
  std::vector<MetadataRecord> records;
  std::vector<QuotaVerdict> verdicts;  ///< One for each entry asked, in that order.
};

struct ConfigsDecision {
  std::vector<MetadataRecord> records;
  std::vector<ConfigVerdict> verdicts;  ///< One for each resource asked, in that order.
};

struct ProducerIdsDecision {
  std::vector<MetadataRecord> records;
  ProducerId first{-1};
  ProducerId end{-1};
  bool refused = false;  ///< The block could not be written down.
};

/// A verdict that was good cannot be kept: `why`, for people. Nothing changes if that is empty.
template <class Verdict>
void refuse(Verdict& verdict, const std::string& why) {
  if (why.empty() || verdict.error != ErrorCode::none) return;
  verdict.error = ErrorCode::kafka_storage_error;
  verdict.message = why;
}

/// None of a decision's records could be written.
template <class Decision>
  requires requires(Decision decision) { decision.verdicts; }
void refuse(Decision& decision, const std::string& why) {
  decision.records.clear();
  for (auto& verdict : decision.verdicts) refuse(verdict, why);
}

inline void refuse(ProducerIdsDecision& decision, const std::string&) {
  decision.records.clear();
  decision.refused = true;
}

struct RegisterDecision {
  std::vector<MetadataRecord> records;  ///< None for a process that is registered already.
  std::int64_t broker_epoch = 0;
};

/// What the cluster knows of itself: brokers, topics, partitions, producer ids. Pure: no clock, no random source, no file.
///
/// `decide` functions are const: they say which records would make an answer true, and the answer. `apply` is the only place state changes,
/// live and on replay alike. Two decisions before an apply would be made on the same state, so the driver makes one at a time (R8).
///
/// Topic:   (none) --CreateTopic--> live --DeleteTopic--> (none); the same name then gets a new id (R10). SetConfig: live, other configs.
///          AddPartitions: live, with more partitions; never with fewer. AssignDirectories: live, where its replicas are is known.
/// Broker:  registered --RegisterBroker--> registered again, with a higher epoch; unclean: leader epochs of what it leads rise.
/// Quotas:  (none) --ClientQuota--> some --ClientQuota--> others, or none again.
/// Cluster: (no id) --ClusterInfo--> its id, for good. Producer ids: --ProducerIdBlock--> more of them are given away.
///
/// Life: dropped and replayed when leadership or the disk is lost, never rolled back.
/// Thread: its owner's; an image may be read by any.
/// Invariant: `Image::is_consistent`, after every step.
class MetadataMachine {
 public:
  /// CreateTopics (KIP-4; https://kafka.apache.org/protocol: key 19). Each topic has its own verdict.
  [[nodiscard]] TopicsDecision create_topics(const CreateTopicsCommand& command) const;
  /// CreatePartitions (KIP-195; key 37). A topic named twice is answered once, and stays as it is.
  [[nodiscard]] TopicsDecision create_partitions(const CreatePartitionsCommand& command) const;
  /// DeleteTopics (key 20), by name or by id (KIP-516).
  [[nodiscard]] TopicsDecision delete_topics(std::span<const TopicSelector> topics) const;
  /// IncrementalAlterConfigs (KIP-339, key 44) and AlterConfigs (KIP-133, key 33). A resource changes as a whole or not at all.
  [[nodiscard]] ConfigsDecision alter_configs(const AlterConfigsCommand& command) const;
  /// AlterClientQuotas (KIP-546; key 49). Each entry has its own verdict, and takes effect as a whole.
  [[nodiscard]] QuotasDecision alter_client_quotas(const AlterClientQuotasCommand& command) const;
  /// AllocateProducerIds (KIP-730): a block of ids that were never given to anybody.
  [[nodiscard]] ProducerIdsDecision allocate_producer_ids(NodeId node, std::int64_t broker_epoch) const;
  /// BrokerRegistration (KIP-631). The epoch is set here; an incarnation that is registered already keeps the one it has.
  [[nodiscard]] RegisterDecision register_broker(RegisterBrokerRecord record) const;

  /// Makes a record true. `Errc::corrupt`: it contradicts those before it; the machine is unchanged. A decision's records never do, applied
  /// before anything else is.
  Result<void> apply(const MetadataRecord& record);
  /// All or none, and one new image for all of them: for replay, and for commits of many records.
  Result<void> apply(std::span<const MetadataRecord> records);

  [[nodiscard]] const std::shared_ptr<const Image>& image() const { return image_; }

 private:
  void check_invariants() const;

  std::shared_ptr<const Image> image_ = std::make_shared<const Image>();
};

}  // namespace tidelog::broker
