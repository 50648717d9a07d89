#pragma once

#include <tidelog/consumer.h>
#include <tidelog/group.h>
#include <tidelog/result.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tidelog {

namespace core {
class ClientCore;
}

class broker_info {
 public:
  broker_info(std::int32_t id, std::string host, std::int32_t port) : id_(id), port_(port), host_(std::move(host)) {}
  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::int32_t port() const { return port_; }

 private:
  std::int32_t id_;
  std::int32_t port_;
  std::string host_;
};

class cluster_info {
 public:
  cluster_info(std::string id, std::int32_t controller, std::vector<broker_info> brokers)
      : id_(std::move(id)), controller_(controller), brokers_(std::move(brokers)) {}
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t controller() const { return controller_; }
  [[nodiscard]] const std::vector<broker_info>& brokers() const { return brokers_; }

 private:
  std::string id_;
  std::int32_t controller_;
  std::vector<broker_info> brokers_;
};

class partition_info {
 public:
  partition_info(std::int32_t index, std::int32_t leader, std::int32_t leader_epoch)
      : index_(index), leader_(leader), leader_epoch_(leader_epoch) {}
  partition_info& set_replicas(std::vector<std::int32_t> all, std::vector<std::int32_t> in_sync) {
    return replicas_ = std::move(all), in_sync_ = std::move(in_sync), *this;
  }
  [[nodiscard]] std::int32_t index() const { return index_; }
  /// -1 while there is none.
  [[nodiscard]] std::int32_t leader() const { return leader_; }
  [[nodiscard]] std::int32_t leader_epoch() const { return leader_epoch_; }
  [[nodiscard]] const std::vector<std::int32_t>& replicas() const { return replicas_; }
  [[nodiscard]] const std::vector<std::int32_t>& in_sync() const { return in_sync_; }

 private:
  std::int32_t index_;
  std::int32_t leader_;
  std::int32_t leader_epoch_;
  std::vector<std::int32_t> replicas_;
  std::vector<std::int32_t> in_sync_;
};

class topic_info {
 public:
  topic_info(std::string name, std::string id, bool is_internal) : name_(std::move(name)), id_(std::move(id)), is_internal_(is_internal) {}
  topic_info& set_partitions(std::vector<partition_info> partitions) { return partitions_ = std::move(partitions), *this; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// 22 characters as Kafka prints ids; empty if the broker is too old to have them.
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool is_internal() const { return is_internal_; }
  /// By index.
  [[nodiscard]] const std::vector<partition_info>& partitions() const { return partitions_; }

 private:
  std::string name_;
  std::string id_;
  bool is_internal_;
  std::vector<partition_info> partitions_;
};

class new_topic {
 public:
  /// -1 leaves the number to the broker.
  explicit new_topic(std::string name, std::int32_t partitions = -1, std::int16_t replication_factor = -1)
      : name_(std::move(name)), partitions_(partitions), replication_factor_(replication_factor) {}
  new_topic& set(std::string key, std::string value) { return configs_[std::move(key)] = std::move(value), *this; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::int32_t partitions() const { return partitions_; }
  [[nodiscard]] std::int16_t replication_factor() const { return replication_factor_; }
  [[nodiscard]] const std::map<std::string, std::string>& configs() const { return configs_; }

 private:
  std::string name_;
  std::int32_t partitions_;
  std::int16_t replication_factor_;
  std::map<std::string, std::string> configs_;
};

/// What became of one topic of a request.
class topic_result {
 public:
  topic_result(std::string name, result<void> outcome) : name_(std::move(name)), outcome_(std::move(outcome)) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const result<void>& outcome() const { return outcome_; }

 private:
  std::string name_;
  result<void> outcome_;
};

/// Something that has configs.
class config_resource {
 public:
  enum class kind : std::int8_t { topic = 2, broker = 4, client_metrics = 16, group = 32 };
  static config_resource topic(std::string name) { return {kind::topic, std::move(name)}; }
  static config_resource broker(std::int32_t id) { return {kind::broker, std::to_string(id)}; }
  /// What holds for every broker that has nothing of its own.
  static config_resource all_brokers() { return {kind::broker, {}}; }
  static config_resource group(std::string name) { return {kind::group, std::move(name)}; }
  [[nodiscard]] kind type() const { return type_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  config_resource(kind type, std::string name) : type_(type), name_(std::move(name)) {}
  kind type_;
  std::string name_;
};

/// Who gave a config its value.
enum class config_source : std::int8_t {
  unknown = 0,
  topic = 1,
  broker = 2,
  all_brokers = 3,
  broker_file = 4,
  fallback = 5,
  broker_logger = 6,
  client_metrics = 7,
  group = 8,
};

/// A place that gives a key its value, should those before it fall away.
class config_synonym {
 public:
  config_synonym(std::string key, std::optional<std::string> value, config_source source)
      : key_(std::move(key)), value_(std::move(value)), source_(source) {}
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const std::optional<std::string>& value() const { return value_; }
  [[nodiscard]] config_source source() const { return source_; }

 private:
  std::string key_;
  std::optional<std::string> value_;
  config_source source_;
};

class config_entry {
 public:
  config_entry(std::string key, std::optional<std::string> value, config_source source)
      : key_(std::move(key)), value_(std::move(value)), source_(source) {}
  config_entry& set_marks(bool is_read_only, bool is_sensitive) {
    return is_read_only_ = is_read_only, is_sensitive_ = is_sensitive, *this;
  }
  config_entry& set_synonyms(std::vector<config_synonym> synonyms) { return synonyms_ = std::move(synonyms), *this; }
  [[nodiscard]] const std::string& key() const { return key_; }
  /// None: there is no value, or it is sensitive and not shown.
  [[nodiscard]] const std::optional<std::string>& value() const { return value_; }
  [[nodiscard]] config_source source() const { return source_; }
  [[nodiscard]] bool is_read_only() const { return is_read_only_; }
  [[nodiscard]] bool is_sensitive() const { return is_sensitive_; }
  /// The first of them is in force.
  [[nodiscard]] const std::vector<config_synonym>& synonyms() const { return synonyms_; }

 private:
  std::string key_;
  std::optional<std::string> value_;
  config_source source_;
  bool is_read_only_ = false;
  bool is_sensitive_ = false;
  std::vector<config_synonym> synonyms_;
};

class config_change {
 public:
  enum class operation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
  static config_change set(std::string key, std::string value) { return {operation::set, std::move(key), std::move(value)}; }
  /// Back to the default.
  static config_change remove(std::string key) { return {operation::remove, std::move(key), {}}; }
  /// Adds elements to a list, or takes them from it.
  static config_change append(std::string key, std::string value) { return {operation::append, std::move(key), std::move(value)}; }
  static config_change subtract(std::string key, std::string value) { return {operation::subtract, std::move(key), std::move(value)}; }
  [[nodiscard]] operation what() const { return operation_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const std::string& value() const { return value_; }

 private:
  config_change(operation what, std::string key, std::string value) : operation_(what), key_(std::move(key)), value_(std::move(value)) {}
  operation operation_;
  std::string key_;
  std::string value_;
};

/// What became of one partition of a request: the offset it begins with now, or why it could not be done.
class partition_result {
 public:
  partition_result(std::int32_t partition, result<std::int64_t> outcome) : partition_(partition), outcome_(std::move(outcome)) {}
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  [[nodiscard]] const result<std::int64_t>& outcome() const { return outcome_; }

 private:
  std::int32_t partition_;
  result<std::int64_t> outcome_;
};

/// What an operator asks a cluster. Every call waits for its answer, up to default.api.timeout.ms.
/// Thread: any.
class admin {
 public:
  result<cluster_info> describe_cluster();
  /// Every topic, by name.
  result<std::vector<topic_info>> list_topics();
  /// Names of the topics that `subscription::matching` means now.
  result<std::vector<std::string>> match_topics(const std::string& pattern);
  /// `errc::not_found` if there is none; it is never created by asking.
  result<topic_info> describe_topic(const std::string& name);
  /// One result a topic, in the order given. With `only_check` the brokers say what they would do.
  result<std::vector<topic_result>> create_topics(const std::vector<new_topic>& topics, bool only_check = false);
  /// Gives each topic `count` partitions in all, which is more than it has. Records stay where they are; keys map to other partitions.
  result<std::vector<topic_result>> add_partitions(const std::vector<std::string>& names, std::int32_t count, bool only_check = false);
  /// Deletes the records below an offset, for each partition given by its number, for good. One result a partition, in the order given.
  result<std::vector<partition_result>> delete_records(const std::string& topic,
                                                       const std::vector<std::pair<std::int32_t, std::int64_t>>& before);
  result<std::vector<topic_result>> delete_topics(const std::vector<std::string>& names);
  /// The offset of `where` in each partition of the topic, in the order given; `errc::not_found` if the topic is not there.
  result<std::vector<std::int64_t>> list_offsets(const std::string& topic, const std::vector<std::int32_t>& partitions, offset_spec where);

  /// For each partition of a topic that was described, in the order given: what its broker says if not all of its records can be read.
  /// Empty if all is well, and from brokers that do not tell.
  std::vector<std::string> describe_damage(const std::string& topic, const std::vector<std::int32_t>& partitions);

  /// The configs of a resource, by key; only `keys`, if there are any. Those the broker does not know are left out.
  result<std::vector<config_entry>> describe_configs(const config_resource& resource, const std::vector<std::string>& keys = {});
  /// All of the changes, or none. With `only_check` the broker says what it would do.
  result<void> incremental_alter_configs(const config_resource& resource, const std::vector<config_change>& changes,
                                         bool only_check = false);

  /// The groups of all brokers; only those in one of the states and of one of the types, if any are given. Case does not matter.
  result<group_list> list_groups(const std::vector<std::string>& states = {}, const std::vector<std::string>& types = {});
  /// `errc::not_found` if there is none. Groups of either protocol. With `with_history`: also why it rebalanced lately.
  result<group_info> describe_group(const std::string& id, bool with_history = false);
  /// Takes the members of a group that was described out of it. They find out at their next heartbeat, and come back unless they are
  /// stopped: what they have not committed by then they cannot commit any more.
  result<void> remove_group_members(const group_info& group);
  /// Deletes groups without members, with what they committed. One result a group, in the order given.
  result<std::vector<group_result>> delete_groups(const std::vector<std::string>& ids);
  /// What a group has committed, by topic and partition; empty if there is no such group. With `with_lag` also how far it is behind, if
  /// the broker is one of ours.
  result<std::vector<group_offset>> list_group_offsets(const std::string& id, bool with_lag = false);
  /// Commits for a group without members, which is made if it is not there. One result a partition, in the order given.
  result<std::vector<group_partition_result>> alter_group_offsets(const std::string& id, const std::vector<group_offset>& offsets);
  /// Forgets what was committed; not for topics that members of the group subscribe to. One result a partition, in the order given.
  result<std::vector<group_partition_result>> delete_group_offsets(const std::string& id, const std::vector<topic_partition>& partitions);

 private:
  friend class client;
  explicit admin(std::shared_ptr<core::ClientCore> core) : core_(std::move(core)) {}
  std::shared_ptr<core::ClientCore> core_;
};

}  // namespace tidelog
