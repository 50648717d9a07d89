#include "cli/group_forecast.h"

#include "proto/error_code.h"

#include <algorithm>

namespace tidelog::cli {
namespace {

error refusal(ErrorCode code, const std::string& context) { return error::from_kafka(static_cast<int>(code), context); }

bool may_read(const group_member& member, const std::string& topic) {
  if (!member.has_subscription() || std::ranges::find(member.topics(), topic) != member.topics().end()) return true;
  // What a pattern matches the coordinator knows; every partition of it is somebody's, and nobody gets what he does not want.
  const auto is_of_topic = [&topic](const topic_partition& each) { return each.topic() == topic; };
  return std::ranges::any_of(member.target(), is_of_topic);
}

result<void> forecast_offset_deletion(const group_info& group, const topic_partition& where) {
  const bool is_read = std::ranges::any_of(group.members(), [&](const group_member& each) { return may_read(each, where.topic()); });
  if (!is_read) return {};
  error read = refusal(ErrorCode::group_subscribed_to_topic, "cannot delete the offset of group \"" + group.id() + "\" of \"" +
                                                                 where.topic() + "\" partition " + std::to_string(where.partition()));
  return read.set_topic(where.topic(), where.partition());
}

}  // namespace

result<void> forecast_deletion(const group_info& group) {
  if (group.members().empty()) return {};
  return refusal(ErrorCode::non_empty_group, "cannot delete group \"" + group.id() + "\"");
}

result<std::vector<group_partition_result>> forecast_offset_deletion(const group_info& group,
                                                                     const std::vector<topic_partition>& partitions) {
  // What a topic is to others than consumers nobody knows.
  if (group.protocol_type() != "consumer" && !group.members().empty())
    return refusal(ErrorCode::non_empty_group, "cannot delete offsets of group \"" + group.id() + "\"");
  std::vector<group_partition_result> results;
  for (const topic_partition& where : partitions) results.emplace_back(where, forecast_offset_deletion(group, where));
  return results;
}

}  // namespace tidelog::cli
