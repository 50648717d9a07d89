#include "broker/group/records.h"
#include "proto/base/check.h"
#include "proto/codec/versioned.h"
#include "proto/messages/consumer_group_current_member_assignment_key.h"
#include "proto/messages/consumer_group_current_member_assignment_value.h"
#include "proto/messages/consumer_group_member_metadata_key.h"
#include "proto/messages/consumer_group_member_metadata_value.h"
#include "proto/messages/consumer_group_metadata_key.h"
#include "proto/messages/consumer_group_metadata_value.h"
#include "proto/messages/consumer_group_partition_metadata_key.h"
#include "proto/messages/consumer_group_regular_expression_key.h"
#include "proto/messages/consumer_group_regular_expression_value.h"
#include "proto/messages/consumer_group_target_assignment_member_key.h"
#include "proto/messages/consumer_group_target_assignment_member_value.h"
#include "proto/messages/consumer_group_target_assignment_metadata_key.h"
#include "proto/messages/consumer_group_target_assignment_metadata_value.h"
#include "proto/messages/group_metadata_key.h"
#include "proto/messages/group_metadata_value.h"
#include "proto/messages/offset_commit_key.h"
#include "proto/messages/offset_commit_value.h"

namespace tidelog::broker {
namespace {

using namespace tidelog::proto;

/// Version 4 has no room for a time of its own to expire at, version 1 none for leader epoch and topic id. Kafka picks in the same way.
constexpr std::int16_t kOffsetVersion = 4;
constexpr std::int16_t kExpiringOffsetVersion = 1;
/// Not 4: there is nothing in it that 3 lacks, and older readers know 3.
constexpr std::int16_t kClassicGroupVersion = 3;

template <class Key>
OwnedBytes stored_key(const Key& key) {
  return with_prefix(Key::kKey, key, 0);
}

template <class Key>
StoredRecord tombstone(const Key& key) {
  return {.key = stored_key(key), .value = std::nullopt};
}

template <class Key, class Value>
StoredRecord stored(const Key& key, const Value& value, std::int16_t version = 0) {
  return {.key = stored_key(key), .value = with_version(value, version)};
}

StoredRecord to_stored(const OffsetRecord& record) {
  const OffsetCommitKey key{.group = record.group, .topic = record.topic, .partition = record.partition.value};
  if (!record.value) return tombstone(key);
  const OffsetCommitValue value{.offset = record.value->offset.value,
                                .leader_epoch = record.value->leader_epoch.value,
                                .metadata = record.value->metadata,
                                .commit_timestamp = record.value->committed_at.value,
                                .expire_timestamp = record.value->expires_at.value,
                                .topic_id = record.value->topic_id};
  return stored(key, value, record.value->expires_at == TimestampMs{-1} ? kOffsetVersion : kExpiringOffsetVersion);
}

GroupMetadataValue::MemberMetadata to_message(const ClassicGroupRecord::Member& member) {
  return {.member_id = member.id,
          .group_instance_id = text_or_null(member.instance_id),
          .client_id = member.client_id,
          .client_host = member.client_host,
          .rebalance_timeout = member.rebalance_timeout_ms,
          .session_timeout = member.session_timeout_ms,
          .subscription = member.subscription,
          .assignment = member.assignment};
}

StoredRecord to_stored(const ClassicGroupRecord& record) {
  const GroupMetadataKey key{.group = record.group};
  if (!record.value) return tombstone(key);
  std::vector<GroupMetadataValue::MemberMetadata> members;
  members.reserve(record.value->members.size());
  for (const ClassicGroupRecord::Member& member : record.value->members) members.push_back(to_message(member));
  const GroupMetadataValue value{.protocol_type = record.value->protocol_type,
                                 .generation = record.value->generation,
                                 .protocol = text_or_null(record.value->protocol),
                                 .leader = text_or_null(record.value->leader),
                                 .current_state_timestamp = record.value->state_since.value,
                                 .members = members};
  return stored(key, value, kClassicGroupVersion);
}

StoredRecord to_stored(const ConsumerGroupRecord& record) {
  const ConsumerGroupMetadataKey key{.group_id = record.group};
  if (!record.value) return tombstone(key);
  return stored(key, ConsumerGroupMetadataValue{.epoch = record.value->epoch, .metadata_hash = record.value->metadata_hash});
}

StoredRecord to_stored(const ConsumerPartitionMetadataRecord& record) {
  CHECK(record.is_tombstone);
  return tombstone(ConsumerGroupPartitionMetadataKey{.group_id = record.group});
}

StoredRecord to_stored(const ConsumerMemberRecord& record) {
  const ConsumerGroupMemberMetadataKey key{.group_id = record.group, .member_id = record.member};
  if (!record.value) return tombstone(key);
  const std::vector<std::string_view> names = views(record.value->subscribed_names);
  ConsumerGroupMemberMetadataValue value{.instance_id = text_or_null(record.value->instance_id),
                                         .rack_id = text_or_null(record.value->rack_id),
                                         .client_id = record.value->client_id,
                                         .client_host = record.value->client_host,
                                         .subscribed_topic_names = names,
                                         .subscribed_topic_regex = text_or_null(record.value->subscribed_regex),
                                         .rebalance_timeout_ms = record.value->rebalance_timeout_ms,
                                         .server_assignor = text_or_null(record.value->server_assignor),
                                         .classic_member_metadata = {}};  // Null, which is said: left out it would not be.
  std::vector<ConsumerGroupMemberMetadataValue::ClassicProtocol> protocols;
  if (const std::optional<ConsumerMemberRecord::Classic>& classic = record.value->classic; classic) {
    for (const auto& [name, metadata] : classic->protocols) protocols.push_back({.name = name, .metadata = metadata});
    value.classic_member_metadata.present = true;
    value.classic_member_metadata.value = {.session_timeout_ms = classic->session_timeout_ms, .supported_protocols = protocols};
  }
  return stored(key, value);
}

StoredRecord to_stored(const ConsumerTargetEpochRecord& record) {
  const ConsumerGroupTargetAssignmentMetadataKey key{.group_id = record.group};
  if (!record.value) return tombstone(key);
  return stored(key, ConsumerGroupTargetAssignmentMetadataValue{.assignment_epoch = record.value->assignment_epoch,
                                                                .assignment_timestamp = record.value->made_at.value});
}

StoredRecord to_stored(const ConsumerTargetMemberRecord& record) {
  const ConsumerGroupTargetAssignmentMemberKey key{.group_id = record.group, .member_id = record.member};
  if (!record.value) return tombstone(key);
  std::vector<ConsumerGroupTargetAssignmentMemberValue::TopicPartition> topics;
  topics.reserve(record.value->size());
  for (const auto& [id, partitions] : *record.value) topics.push_back({.topic_id = id, .partitions = partitions});
  return stored(key, ConsumerGroupTargetAssignmentMemberValue{.topic_partitions = topics});
}

using CurrentTopic = ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions;

std::vector<CurrentTopic> to_message(const PartitionsById& partitions, const PartitionEpochs& epochs) {
  CHECK(epochs.empty() || epochs.size() == partitions.size());
  std::vector<CurrentTopic> out;
  out.reserve(partitions.size());
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    CurrentTopic topic{.topic_id = partitions[i].first, .partitions = partitions[i].second};
    if (!epochs.empty()) {
      CHECK(epochs[i].size() == partitions[i].second.size());
      topic.assignment_epochs = epochs[i];
    }
    out.push_back(topic);
  }
  return out;
}

StoredRecord to_stored(const ConsumerCurrentMemberRecord& record) {
  const ConsumerGroupCurrentMemberAssignmentKey key{.group_id = record.group, .member_id = record.member};
  if (!record.value) return tombstone(key);
  const std::vector<CurrentTopic> assigned = to_message(record.value->assigned, record.value->assigned_epochs);
  const std::vector<CurrentTopic> pending = to_message(record.value->pending_revocation, record.value->pending_epochs);
  return stored(key, ConsumerGroupCurrentMemberAssignmentValue{.member_epoch = record.value->member_epoch,
                                                               .previous_member_epoch = record.value->previous_member_epoch,
                                                               .state = static_cast<std::int8_t>(record.value->state),
                                                               .assigned_partitions = assigned,
                                                               .partitions_pending_revocation = pending});
}

StoredRecord to_stored(const ConsumerRegexRecord& record) {
  const ConsumerGroupRegularExpressionKey key{.group_id = record.group, .regular_expression = record.regex};
  if (!record.value) return tombstone(key);
  const std::vector<std::string_view> topics = views(record.value->topics);
  return stored(key, ConsumerGroupRegularExpressionValue{
                         .topics = topics, .version = record.value->version, .timestamp = record.value->resolved_at.value});
}

/// Its value is not kept, so there is nothing to write.
StoredRecord to_stored(const ForeignRecord& /*record*/) { check_failed("a foreign record is never written"); }

}  // namespace

StoredRecord encode(const GroupRecord& record) {
  return std::visit([](const auto& one) { return to_stored(one); }, record);
}

}  // namespace tidelog::broker
