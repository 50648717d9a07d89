#pragma once

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
#include "proto/messages/consumer_protocol_assignment.h"
#include "proto/messages/consumer_protocol_subscription.h"
#include "proto/messages/group_metadata_key.h"
#include "proto/messages/group_metadata_value.h"
#include "proto/messages/legacy_offset_commit_key.h"
#include "proto/messages/legacy_offset_commit_value.h"
#include "proto/messages/offset_commit_key.h"
#include "proto/messages/offset_commit_value.h"
#include "proto/messages/producer_snapshot.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tidelog::proto::test {

/// Messages that no request carries: stored ones, and those that lie within others as bytes.
inline const auto& stored_schemas() {
  static const std::array kSchemas{
      &ProducerSnapshot::kSchema,
      &ConsumerProtocolAssignment::kSchema,
      &ConsumerProtocolSubscription::kSchema,
      &LegacyOffsetCommitKey::kSchema,
      &LegacyOffsetCommitValue::kSchema,
      &OffsetCommitKey::kSchema,
      &OffsetCommitValue::kSchema,
      &GroupMetadataKey::kSchema,
      &GroupMetadataValue::kSchema,
      &ConsumerGroupMetadataKey::kSchema,
      &ConsumerGroupMetadataValue::kSchema,
      &ConsumerGroupPartitionMetadataKey::kSchema,
      &ConsumerGroupPartitionMetadataValue::kSchema,
      &ConsumerGroupMemberMetadataKey::kSchema,
      &ConsumerGroupMemberMetadataValue::kSchema,
      &ConsumerGroupTargetAssignmentMetadataKey::kSchema,
      &ConsumerGroupTargetAssignmentMetadataValue::kSchema,
      &ConsumerGroupTargetAssignmentMemberKey::kSchema,
      &ConsumerGroupTargetAssignmentMemberValue::kSchema,
      &ConsumerGroupCurrentMemberAssignmentKey::kSchema,
      &ConsumerGroupCurrentMemberAssignmentValue::kSchema,
      &ConsumerGroupRegularExpressionKey::kSchema,
      &ConsumerGroupRegularExpressionValue::kSchema,
  };
  return kSchemas;
}

/// None: a message of Kafka's that nobody here reads.
inline const Schema* stored_schema(std::string_view name) {
  const auto found = std::ranges::find(stored_schemas(), name, [](const Schema* schema) { return std::string_view(schema->name); });
  return found == stored_schemas().end() ? nullptr : *found;
}

}  // namespace tidelog::proto::test
