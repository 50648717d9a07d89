#pragma once

#include <tidelog/consumer.h>
#include <tidelog/result.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
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

 private:
  friend class client;
  explicit admin(std::shared_ptr<core::ClientCore> core) : core_(std::move(core)) {}
  std::shared_ptr<core::ClientCore> core_;
};

}  // namespace tidelog
