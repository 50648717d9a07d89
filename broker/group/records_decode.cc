#include "broker/group/records.h"
#include "proto/codec/versioned.h"
#include "proto/messages/consumer_group_current_member_assignment_key.h"
#include "proto/messages/consumer_group_current_member_assignment_value.h"
#include "proto/messages/consumer_group_member_metadata_key.h"
#include "proto/messages/consumer_group_member_metadata_value.h"
#include "proto/messages/consumer_group_metadata_key.h"
#include "proto/messages/consumer_group_metadata_value.h"
#include "proto/messages/consumer_group_partition_metadata_key.h"
#include "proto/messages/consumer_group_partition_metadata_value.h"
#include "proto/messages/consumer_group_regular_expression_key.h"
#include "proto/messages/consumer_group_regular_expression_value.h"
#include "proto/messages/consumer_group_target_assignment_member_key.h"
#include "proto/messages/consumer_group_target_assignment_member_value.h"
#include "proto/messages/consumer_group_target_assignment_metadata_key.h"
#include "proto/messages/consumer_group_target_assignment_metadata_value.h"
#include "proto/messages/group_metadata_key.h"
#include "proto/messages/group_metadata_value.h"
#include "proto/messages/legacy_offset_commit_key.h"
#include "proto/messages/offset_commit_key.h"
#include "proto/messages/offset_commit_value.h"

#include <algorithm>
#include <tuple>

namespace tidelog::broker {
namespace {

using namespace tidelog::proto;

// What a key says: the record, without a value yet.

OffsetRecord named_by(const OffsetCommitKey& key) {
  return {.group = std::string(key.group), .topic = std::string(key.topic), .partition = {key.partition}, .value = {}};
}
ClassicGroupRecord named_by(const GroupMetadataKey& key) { return {.group = std::string(key.group), .value = {}}; }
ConsumerGroupRecord named_by(const ConsumerGroupMetadataKey& key) { return {.group = std::string(key.group_id), .value = {}}; }
ConsumerMemberRecord named_by(const ConsumerGroupMemberMetadataKey& key) {
  return {.group = std::string(key.group_id), .member = std::string(key.member_id), .value = {}};
}
ConsumerTargetEpochRecord named_by(const ConsumerGroupTargetAssignmentMetadataKey& key) {
  return {.group = std::string(key.group_id), .value = {}};
}
ConsumerTargetMemberRecord named_by(const ConsumerGroupTargetAssignmentMemberKey& key) {
  return {.group = std::string(key.group_id), .member = std::string(key.member_id), .value = {}};
}
ConsumerCurrentMemberRecord named_by(const ConsumerGroupCurrentMemberAssignmentKey& key) {
  return {.group = std::string(key.group_id), .member = std::string(key.member_id), .value = {}};
}
ConsumerRegexRecord named_by(const ConsumerGroupRegularExpressionKey& key) {
  return {.group = std::string(key.group_id), .regex = std::string(key.regular_expression), .value = {}};
}

// What a value says.

Result<OffsetRecord::Value> meaning(const OffsetCommitValue& value) {
  return OffsetRecord::Value{.offset = {value.offset},
                             .leader_epoch = {value.leader_epoch},
                             .metadata = std::string(value.metadata),
                             .committed_at = {value.commit_timestamp},
                             .expires_at = {value.expire_timestamp},
                             .topic_id = value.topic_id};
}

ClassicGroupRecord::Member to_member(const GroupMetadataValue::MemberMetadata& member) {
  return {.id = std::string(member.member_id),
          .instance_id = text_or_none(member.group_instance_id),
          .client_id = std::string(member.client_id),
          .client_host = std::string(member.client_host),
          .rebalance_timeout_ms = member.rebalance_timeout,
          .session_timeout_ms = member.session_timeout,
          .subscription = owned(member.subscription),
          .assignment = owned(member.assignment)};
}

Result<ClassicGroupRecord::Value> meaning(const GroupMetadataValue& value) {
  ClassicGroupRecord::Value out{.protocol_type = std::string(value.protocol_type),
                                .generation = value.generation,
                                .protocol = text_or_none(value.protocol),
                                .leader = text_or_none(value.leader),
                                .state_since = {value.current_state_timestamp},
                                .members = {}};
  out.members.reserve(value.members.size());
  for (const GroupMetadataValue::MemberMetadata& member : value.members) out.members.push_back(to_member(member));
  return out;
}

Result<ConsumerGroupRecord::Value> meaning(const ConsumerGroupMetadataValue& value) {
  return ConsumerGroupRecord::Value{.epoch = value.epoch, .metadata_hash = value.metadata_hash};
}

/// A classic member has a protocol at least. What has none and no timeout is what a record without the field stands for: one of a version
/// of Kafka's that knew no such members.
std::optional<ConsumerMemberRecord::Classic> to_classic(const Nullable<ConsumerGroupMemberMetadataValue::ClassicMemberMetadata>& from) {
  if (!from.present || (from.value.session_timeout_ms == 0 && from.value.supported_protocols.empty())) return std::nullopt;
  ConsumerMemberRecord::Classic out{.session_timeout_ms = from.value.session_timeout_ms, .protocols = {}};
  out.protocols.reserve(from.value.supported_protocols.size());
  for (const ConsumerGroupMemberMetadataValue::ClassicProtocol& protocol : from.value.supported_protocols) {
    out.protocols.push_back({.name = std::string(protocol.name), .metadata = owned(protocol.metadata)});
  }
  return out;
}

Result<ConsumerMemberRecord::Value> meaning(const ConsumerGroupMemberMetadataValue& value) {
  return ConsumerMemberRecord::Value{.instance_id = text_or_none(value.instance_id),
                                     .rack_id = text_or_none(value.rack_id),
                                     .client_id = std::string(value.client_id),
                                     .client_host = std::string(value.client_host),
                                     .subscribed_names = texts(value.subscribed_topic_names),
                                     .subscribed_regex = text_or_none(value.subscribed_topic_regex),
                                     .rebalance_timeout_ms = value.rebalance_timeout_ms,
                                     .server_assignor = text_or_none(value.server_assignor),
                                     .classic = to_classic(value.classic_member_metadata)};
}

Result<ConsumerTargetEpochRecord::Value> meaning(const ConsumerGroupTargetAssignmentMetadataValue& value) {
  return ConsumerTargetEpochRecord::Value{.assignment_epoch = value.assignment_epoch, .made_at = {value.assignment_timestamp}};
}

/// A partition with the member epoch at which it came.
struct Owned {
  Uuid topic;
  std::int32_t partition;
  std::int32_t epoch;
};

/// Kafka writes topics and partitions in any order. What comes twice counts once, with the least epoch.
void put_in_order(std::vector<Owned>& partitions) {
  std::ranges::sort(partitions, {}, [](const Owned& one) { return std::tie(one.topic, one.partition, one.epoch); });
  const auto same = [](const Owned& a, const Owned& b) { return a.topic == b.topic && a.partition == b.partition; };
  const auto rest = std::ranges::unique(partitions, same);
  partitions.erase(rest.begin(), rest.end());
}

PartitionsById by_topic(const std::vector<Owned>& in_order) {
  PartitionsById out;
  for (const Owned& one : in_order) {
    if (out.empty() || out.back().first != one.topic) out.push_back({one.topic, {}});
    out.back().second.push_back(one.partition);
  }
  return out;
}

PartitionEpochs epochs_beside(const PartitionsById& partitions, const std::vector<Owned>& in_order) {
  PartitionEpochs out;
  out.reserve(partitions.size());
  auto next = in_order.begin();
  for (const auto& [topic, numbers] : partitions) {
    out.emplace_back();
    for (std::size_t i = 0; i < numbers.size(); ++i) out.back().push_back((next++)->epoch);
  }
  return out;
}

Result<PartitionsById> meaning(const ConsumerGroupTargetAssignmentMemberValue& value) {
  std::vector<Owned> all;
  for (const ConsumerGroupTargetAssignmentMemberValue::TopicPartition& topic : value.topic_partitions) {
    for (const std::int32_t partition : topic.partitions) all.push_back({.topic = topic.topic_id, .partition = partition, .epoch = 0});
  }
  put_in_order(all);
  return by_topic(all);
}

using CurrentTopic = ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions;

/// Adds the partitions of one topic; false if it has epochs, but not one for each.
bool add_current(const CurrentTopic& topic, std::int32_t epoch_if_none, std::vector<Owned>& into) {
  const bool has_epochs = !topic.assignment_epochs.empty();
  if (has_epochs && topic.assignment_epochs.size() != topic.partitions.size()) return false;
  auto epoch = topic.assignment_epochs.begin();
  for (const std::int32_t partition : topic.partitions) {
    into.push_back({.topic = topic.topic_id, .partition = partition, .epoch = has_epochs ? *epoch : epoch_if_none});
    if (has_epochs) ++epoch;
  }
  return true;
}

struct CurrentPartitions {
  PartitionsById partitions;
  PartitionEpochs epochs;
};

Result<CurrentPartitions> to_current(const Array<CurrentTopic>& topics, std::int32_t member_epoch) {
  bool has_epochs = false;
  std::vector<Owned> all;
  for (const CurrentTopic& topic : topics) {
    if (!add_current(topic, std::max(member_epoch, 0), all)) return Errc::corrupt;
    has_epochs = has_epochs || !topic.assignment_epochs.empty();
  }
  put_in_order(all);
  CurrentPartitions out{.partitions = by_topic(all), .epochs = {}};
  if (has_epochs) out.epochs = epochs_beside(out.partitions, all);
  return out;
}

ConsumerCurrentMemberRecord::State to_state(std::int8_t stored) {
  const auto state = static_cast<ConsumerCurrentMemberRecord::State>(stored);
  switch (state) {
    case ConsumerCurrentMemberRecord::State::stable:
    case ConsumerCurrentMemberRecord::State::unrevoked_partitions:
    case ConsumerCurrentMemberRecord::State::unreleased_partitions:
    case ConsumerCurrentMemberRecord::State::unknown: return state;
  }
  return ConsumerCurrentMemberRecord::State::unknown;
}

Result<ConsumerCurrentMemberRecord::Value> meaning(const ConsumerGroupCurrentMemberAssignmentValue& value) {
  Result<CurrentPartitions> assigned = to_current(value.assigned_partitions, value.member_epoch);
  Result<CurrentPartitions> pending = to_current(value.partitions_pending_revocation, value.member_epoch);
  if (!assigned || !pending) return Errc::corrupt;
  return ConsumerCurrentMemberRecord::Value{.member_epoch = value.member_epoch,
                                            .previous_member_epoch = value.previous_member_epoch,
                                            .state = to_state(value.state),
                                            .assigned = std::move(assigned->partitions),
                                            .pending_revocation = std::move(pending->partitions),
                                            .assigned_epochs = std::move(assigned->epochs),
                                            .pending_epochs = std::move(pending->epochs)};
}

Result<ConsumerRegexRecord::Value> meaning(const ConsumerGroupRegularExpressionValue& value) {
  return ConsumerRegexRecord::Value{.topics = texts(value.topics), .version = value.version, .resolved_at = {value.timestamp}};
}

/// A key behind its type. Every byte of it counts.
template <class Key>
Result<Key> decode_key(Bytes bytes) {
  Key key;
  if (const Result<void> decoded = proto::decode(bytes, 0, key); !decoded) return decoded.error();
  Output again;
  proto::encode(key, 0, again);
  if (again.size() != bytes.size()) return Errc::corrupt;
  return key;
}

template <class Value>
Result<Value> decode_value(Bytes bytes) {
  const Result<std::pair<Prefix, Bytes>> parts = split_prefix(bytes);
  if (!parts) return parts.error();
  Value value;
  if (const Result<void> decoded = proto::decode(parts->second, parts->first, value); !decoded) return decoded.error();
  return value;
}

template <class Key, class Value>
Result<GroupRecord> decode_record(Bytes key_bytes, Bytes value_bytes) {
  const Result<Key> key = decode_key<Key>(key_bytes);
  if (!key) return key.error();
  auto record = named_by(*key);
  if (is_null(value_bytes)) return record;
  const Result<Value> value = decode_value<Value>(value_bytes);
  if (!value) return value.error();
  auto meant = meaning(*value);
  if (!meant) return meant.error();
  record.value = std::move(*meant);
  return record;
}

Result<GroupRecord> decode_partition_metadata(Bytes key_bytes, Bytes value_bytes) {
  const auto key = decode_key<ConsumerGroupPartitionMetadataKey>(key_bytes);
  if (!key) return key.error();
  ConsumerPartitionMetadataRecord record{.group = std::string(key->group_id), .is_tombstone = is_null(value_bytes)};
  if (record.is_tombstone) return record;
  const auto value = decode_value<ConsumerGroupPartitionMetadataValue>(value_bytes);
  if (!value) return value.error();
  return record;
}

}  // namespace

Result<GroupRecord> decode_group_record(Bytes key, Bytes value) {
  const Result<std::pair<Prefix, Bytes>> parts = split_prefix(key);
  if (!parts) return parts.error();
  const Bytes rest = parts->second;
  switch (parts->first) {
    // Type 0 is laid out alike, and its values are those of type 1 in version 0.
    case LegacyOffsetCommitKey::kKey:
    case OffsetCommitKey::kKey: return decode_record<OffsetCommitKey, OffsetCommitValue>(rest, value);
    case GroupMetadataKey::kKey: return decode_record<GroupMetadataKey, GroupMetadataValue>(rest, value);
    case ConsumerGroupMetadataKey::kKey: return decode_record<ConsumerGroupMetadataKey, ConsumerGroupMetadataValue>(rest, value);
    case ConsumerGroupPartitionMetadataKey::kKey: return decode_partition_metadata(rest, value);
    case ConsumerGroupMemberMetadataKey::kKey:
      return decode_record<ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue>(rest, value);
    case ConsumerGroupTargetAssignmentMetadataKey::kKey:
      return decode_record<ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue>(rest, value);
    case ConsumerGroupTargetAssignmentMemberKey::kKey:
      return decode_record<ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue>(rest, value);
    case ConsumerGroupCurrentMemberAssignmentKey::kKey:
      return decode_record<ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue>(rest, value);
    case ConsumerGroupRegularExpressionKey::kKey:
      return decode_record<ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue>(rest, value);
    default: return ForeignRecord{.key_type = parts->first};
  }
}

}  // namespace tidelog::broker
