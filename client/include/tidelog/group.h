#pragma once

#include <tidelog/result.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidelog {

class topic_partition {
 public:
  topic_partition(std::string topic, std::int32_t partition) : topic_(std::move(topic)), partition_(partition) {}
  [[nodiscard]] const std::string& topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  auto operator<=>(const topic_partition&) const = default;

 private:
  std::string topic_;
  std::int32_t partition_;
};

/// How far a group is behind in a partition, as its broker sees it.
class group_lag {
 public:
  group_lag(std::int64_t end_offset, std::int64_t records, std::optional<std::chrono::milliseconds> age)
      : end_offset_(end_offset), records_(records), age_(age) {}
  /// Behind the last record that consumers may read.
  [[nodiscard]] std::int64_t end_offset() const { return end_offset_; }
  /// Between the committed offset and the end.
  [[nodiscard]] std::int64_t records() const { return records_; }
  /// How long ago the first of them was made, by the timestamp its producer gave it; nothing if the broker could not tell.
  [[nodiscard]] const std::optional<std::chrono::milliseconds>& age() const { return age_; }

 private:
  std::int64_t end_offset_;
  std::int64_t records_;
  std::optional<std::chrono::milliseconds> age_;
};

/// Where a group goes on in a partition: the offset of the record it reads next.
class group_offset {
 public:
  group_offset(std::string topic, std::int32_t partition, std::int64_t offset) : where_(std::move(topic), partition), offset_(offset) {}
  group_offset& set_metadata(std::string text) { return metadata_ = std::move(text), *this; }
  group_offset& set_leader_epoch(std::int32_t epoch) { return leader_epoch_ = epoch, *this; }
  group_offset& set_lag(group_lag lag) { return lag_ = lag, *this; }
  [[nodiscard]] const topic_partition& where() const { return where_; }
  [[nodiscard]] const std::string& topic() const { return where_.topic(); }
  [[nodiscard]] std::int32_t partition() const { return where_.partition(); }
  [[nodiscard]] std::int64_t offset() const { return offset_; }
  /// -1 if whoever committed did not say.
  [[nodiscard]] std::int32_t leader_epoch() const { return leader_epoch_; }
  /// Whatever the member that committed wrote beside it.
  [[nodiscard]] const std::string& metadata() const { return metadata_; }
  /// How far the group is behind; nothing unless it was asked for and the broker can tell.
  [[nodiscard]] const std::optional<group_lag>& lag() const { return lag_; }

 private:
  topic_partition where_;
  std::optional<group_lag> lag_;
  std::int64_t offset_;
  std::int32_t leader_epoch_ = -1;
  std::string metadata_;
};

/// What became of one partition of a group's request.
class group_partition_result {
 public:
  group_partition_result(topic_partition where, result<void> outcome) : where_(std::move(where)), outcome_(std::move(outcome)) {}
  [[nodiscard]] const topic_partition& where() const { return where_; }
  [[nodiscard]] const result<void>& outcome() const { return outcome_; }

 private:
  topic_partition where_;
  result<void> outcome_;
};

/// What became of one group of a request.
class group_result {
 public:
  group_result(std::string group, result<void> outcome) : group_(std::move(group)), outcome_(std::move(outcome)) {}
  [[nodiscard]] const std::string& group() const { return group_; }
  [[nodiscard]] const result<void>& outcome() const { return outcome_; }

 private:
  std::string group_;
  result<void> outcome_;
};

class group_listing {
 public:
  group_listing(std::string id, std::int32_t coordinator) : id_(std::move(id)), coordinator_(coordinator) {}
  group_listing& set_kind(std::string type, std::string protocol_type) {
    return type_ = std::move(type), protocol_type_ = std::move(protocol_type), *this;
  }
  group_listing& set_state(std::string state) { return state_ = std::move(state), *this; }
  [[nodiscard]] const std::string& id() const { return id_; }
  /// The broker that takes care of it.
  [[nodiscard]] std::int32_t coordinator() const { return coordinator_; }
  /// "classic", "consumer", "share" ...; empty if the broker is too old to say.
  [[nodiscard]] const std::string& type() const { return type_; }
  /// What its members are to each other: "consumer", "connect" ...; empty if it only keeps offsets.
  [[nodiscard]] const std::string& protocol_type() const { return protocol_type_; }
  /// "Stable", "Empty" ...; empty if the broker is too old to say.
  [[nodiscard]] const std::string& state() const { return state_; }

 private:
  std::string id_;
  std::int32_t coordinator_;
  std::string type_;
  std::string protocol_type_;
  std::string state_;
};

/// The groups of every broker that answered, and why others did not: their groups are missing.
class group_list {
 public:
  group_list(std::vector<group_listing> groups, std::vector<error> failures) : groups_(std::move(groups)), failures_(std::move(failures)) {}
  /// By id.
  [[nodiscard]] const std::vector<group_listing>& groups() const { return groups_; }
  [[nodiscard]] const std::vector<error>& failures() const { return failures_; }

 private:
  std::vector<group_listing> groups_;
  std::vector<error> failures_;
};

class group_member {
 public:
  explicit group_member(std::string id) : id_(std::move(id)) {}
  group_member& set_client(std::string client_id, std::string host) {
    return client_id_ = std::move(client_id), host_ = std::move(host), *this;
  }
  group_member& set_instance_id(std::optional<std::string> id) { return instance_id_ = std::move(id), *this; }
  group_member& set_epoch(std::int32_t epoch) { return epoch_ = epoch, *this; }
  group_member& set_subscription(std::vector<std::string> topics, std::string pattern = {}) {
    return topics_ = std::move(topics), pattern_ = std::move(pattern), has_subscription_ = true, *this;
  }
  group_member& set_assigned(std::vector<topic_partition> assigned, std::vector<topic_partition> target) {
    return assigned_ = std::move(assigned), target_ = std::move(target), *this;
  }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& client_id() const { return client_id_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  /// What it is known by over restarts, if it is a static member.
  [[nodiscard]] const std::optional<std::string>& instance_id() const { return instance_id_; }
  /// -1 in a classic group.
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  /// False if nobody can say what it subscribes to: the classic group is no consumers', rebalances just now, or the member's own words
  /// cannot be read.
  [[nodiscard]] bool has_subscription() const { return has_subscription_; }
  [[nodiscard]] const std::vector<std::string>& topics() const { return topics_; }
  /// The regular expression it subscribes to; mostly empty.
  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  [[nodiscard]] const std::vector<topic_partition>& assigned() const { return assigned_; }
  /// What it shall have once everybody has let go of what is not theirs; the same as `assigned` in a classic group.
  [[nodiscard]] const std::vector<topic_partition>& target() const { return target_; }

 private:
  std::string id_;
  std::string client_id_;
  std::string host_;
  std::optional<std::string> instance_id_;
  std::int32_t epoch_ = -1;
  bool has_subscription_ = false;
  std::vector<std::string> topics_;
  std::string pattern_;
  std::vector<topic_partition> assigned_;
  std::vector<topic_partition> target_;
};

/// Why a group rebalanced, or what else happened to it, as its broker saw it.
class group_event {
 public:
  group_event(std::int64_t timestamp_ms, std::int32_t generation, std::string text)
      : timestamp_ms_(timestamp_ms), generation_(generation), text_(std::move(text)) {}
  /// By the broker's clock, since 1970.
  [[nodiscard]] std::int64_t timestamp_ms() const { return timestamp_ms_; }
  /// The generation, or group epoch, that it led to.
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  /// One sentence.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::int64_t timestamp_ms_;
  std::int32_t generation_;
  std::string text_;
};

class group_info {
 public:
  group_info(std::string id, std::int32_t coordinator) : id_(std::move(id)), coordinator_(coordinator) {}
  group_info& set_kind(std::string type, std::string protocol_type) {
    return type_ = std::move(type), protocol_type_ = std::move(protocol_type), *this;
  }
  group_info& set_state(std::string state, std::string assignor) {
    return state_ = std::move(state), assignor_ = std::move(assignor), *this;
  }
  group_info& set_epochs(std::int32_t group, std::int32_t assignment) { return epoch_ = group, assignment_epoch_ = assignment, *this; }
  group_info& set_members(std::vector<group_member> members) { return members_ = std::move(members), *this; }
  group_info& set_history(std::vector<group_event> history) { return history_ = std::move(history), *this; }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t coordinator() const { return coordinator_; }
  /// "classic" or "consumer".
  [[nodiscard]] const std::string& type() const { return type_; }
  [[nodiscard]] bool is_classic() const { return type_ == "classic"; }
  [[nodiscard]] const std::string& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::string& state() const { return state_; }
  /// What decides who gets which partition; empty while nothing is decided.
  [[nodiscard]] const std::string& assignor() const { return assignor_; }
  /// -1 in a classic group.
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  [[nodiscard]] std::int32_t assignment_epoch() const { return assignment_epoch_; }
  /// By id.
  [[nodiscard]] const std::vector<group_member>& members() const { return members_; }
  /// Oldest first. Empty unless it was asked for, and from brokers that are not Tidelog.
  [[nodiscard]] const std::vector<group_event>& history() const { return history_; }

 private:
  std::string id_;
  std::int32_t coordinator_;
  std::string type_;
  std::string protocol_type_;
  std::string state_;
  std::string assignor_;
  std::int32_t epoch_ = -1;
  std::int32_t assignment_epoch_ = -1;
  std::vector<group_member> members_;
  std::vector<group_event> history_;
};

}  // namespace tidelog
