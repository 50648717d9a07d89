#include "client/admin/groups.h"

#include "client/admin/group_offsets.h"
#include "client/group/embedded.h"
#include "proto/codec/consumer_protocol.h"
#include "proto/error_code.h"
#include "proto/messages/consumer_group_describe_request.h"
#include "proto/messages/consumer_group_describe_response.h"
#include "proto/messages/describe_groups_request.h"
#include "proto/messages/describe_groups_response.h"
#include "proto/messages/list_groups_request.h"
#include "proto/messages/list_groups_response.h"
#include <tidelog/admin.h>

#include <algorithm>

namespace tidelog {
namespace core {
namespace {

/// The versions from which ListGroups has states, and types; a filter that is left out would be no filter.
constexpr std::int16_t kFirstWithStates = 4, kFirstWithTypes = 5;

std::optional<std::string> text_or_none(std::string_view text) {
  return proto::is_null(text) ? std::nullopt : std::optional<std::string>(text);
}

/// Brokers differ in how they write the types of groups.
std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return lower;
}

error no_such_group(const std::string& id) {
  return error::from_kafka(static_cast<int>(ErrorCode::group_id_not_found), "cannot describe group \"" + id + "\"");
}

struct GroupFilter {
  std::vector<std::string_view> states;
  std::vector<std::string_view> types;
};

result<std::vector<group_listing>> list_at(ClientCore& core, std::int32_t node, const GroupFilter& filter, TimePoint deadline) {
  proto::ListGroupsRequest message;
  message.states_filter = filter.states;
  message.types_filter = filter.types;
  using Groups = std::vector<group_listing>;
  const std::string context = "cannot list the groups of broker " + std::to_string(node);
  return core.retry<Groups>(deadline, [&]() -> result<Groups> {
    const auto answer = core.call<proto::ListGroupsResponse>(Target::node(node), message, deadline);
    if (!answer) return answer.error();
    const std::int16_t version = answer->raw.version;
    const bool is_too_old = (!filter.states.empty() && version < kFirstWithStates) || (!filter.types.empty() && version < kFirstWithTypes);
    if (is_too_old) return error(errc::unsupported, context + ": it is too old to choose by state or type").set_broker(answer->raw.broker);
    if (answer->message.error_code != 0) return error::from_kafka(answer->message.error_code, context);
    Groups groups;
    for (const auto& group : answer->message.groups) {
      group_listing& listing = groups.emplace_back(std::string(group.group_id), node);
      listing.set_kind(lower_case(group.group_type), std::string(group.protocol_type)).set_state(std::string(group.group_state));
    }
    return groups;
  });
}

template <class Assignment>
std::vector<topic_partition> partitions_in(const Assignment& assignment) {
  std::vector<topic_partition> all;
  for (const auto& topic : assignment.topic_partitions) {
    for (const std::int32_t index : topic.partitions) all.emplace_back(std::string(topic.topic_name), index);
  }
  std::ranges::sort(all);
  return all;
}

group_member to_member(const proto::ConsumerGroupDescribeResponse::Member& from) {
  group_member member{std::string(from.member_id)};
  std::vector<std::string> topics;
  for (const std::string_view topic : from.subscribed_topic_names) topics.emplace_back(topic);
  member.set_client(std::string(from.client_id), std::string(from.client_host)).set_instance_id(text_or_none(from.instance_id));
  member.set_epoch(from.member_epoch).set_subscription(std::move(topics), std::string(from.subscribed_topic_regex));
  return member.set_assigned(partitions_in(from.assignment), partitions_in(from.target_assignment));
}

template <class Events>
std::vector<group_event> to_history(const Events& events) {
  std::vector<group_event> history;
  for (const auto& event : events) history.emplace_back(event.timestamp_ms, event.generation, std::string(event.event));
  return history;
}

group_info to_info(const proto::ConsumerGroupDescribeResponse::DescribedGroup& from, std::int32_t node) {
  group_info info(std::string(from.group_id), node);
  std::vector<group_member> members;
  for (const auto& member : from.members) members.push_back(to_member(member));
  std::ranges::sort(members, {}, &group_member::id);
  info.set_kind("consumer", "consumer").set_state(std::string(from.group_state), std::string(from.assignor_name));
  info.set_history(to_history(from.history));
  return info.set_epochs(from.group_epoch, from.assignment_epoch).set_members(std::move(members));
}

group_member to_member(const proto::DescribeGroupsResponse::DescribedGroupMember& from, bool is_consumer) {
  group_member member{std::string(from.member_id)};
  member.set_client(std::string(from.client_id), std::string(from.client_host)).set_instance_id(text_or_none(from.group_instance_id));
  if (!is_consumer) return member;  // What other members tell each other is theirs.
  std::vector<topic_partition> assigned = read_assignment(from.member_assignment);
  std::ranges::sort(assigned);
  if (Result<proto::ConsumerSubscription> told = proto::decode_subscription(from.member_metadata))
    member.set_subscription(std::move(told->topics));
  return member.set_assigned(assigned, assigned);
}

group_info to_info(const proto::DescribeGroupsResponse::DescribedGroup& from, std::int32_t node) {
  group_info info(std::string(from.group_id), node);
  std::vector<group_member> members;
  for (const auto& member : from.members) members.push_back(to_member(member, from.protocol_type == "consumer"));
  std::ranges::sort(members, {}, &group_member::id);
  info.set_kind("classic", std::string(from.protocol_type)).set_state(std::string(from.group_state), std::string(from.protocol_data));
  info.set_history(to_history(from.history));
  return info.set_members(std::move(members));
}

/// What is asked of a group's coordinator.
struct Question {
  const std::string& id;
  bool with_history = false;
  TimePoint deadline;
};

/// None if it is no group of that kind, or the broker knows no such groups.
result<std::optional<group_info>> describe_consumer_group(ClientCore& core, const Question& asked, std::int32_t node) {
  const std::string& id = asked.id;
  const std::vector<std::string_view> ids{id};
  proto::ConsumerGroupDescribeRequest message;
  message.group_ids = ids;
  message.include_history = asked.with_history;
  const auto answer = core.call<proto::ConsumerGroupDescribeResponse>(Target::node(node), message, asked.deadline);
  if (!answer && answer.error().kind() == errc::unsupported) return std::optional<group_info>();
  if (!answer) return answer.error();
  for (const auto& group : answer->message.groups) {
    const auto code = static_cast<ErrorCode>(group.error_code);
    if (code == ErrorCode::none) return std::optional(to_info(group, node));
    if (code == ErrorCode::group_id_not_found || code == ErrorCode::unsupported_version) break;
    return error::from_kafka(group.error_code, "cannot describe group \"" + id + "\"", group.error_message);
  }
  return std::optional<group_info>();
}

result<group_info> describe_classic_group(ClientCore& core, const Question& asked, std::int32_t node) {
  const std::string& id = asked.id;
  const std::vector<std::string_view> ids{id};
  proto::DescribeGroupsRequest message;
  message.groups = ids;
  message.include_history = asked.with_history;
  const auto answer = core.call<proto::DescribeGroupsResponse>(Target::node(node), message, asked.deadline);
  if (!answer) return answer.error();
  for (const auto& group : answer->message.groups) {
    if (group.error_code == static_cast<int>(ErrorCode::group_id_not_found)) return no_such_group(id);
    if (group.error_code != 0) return error::from_kafka(group.error_code, "cannot describe group \"" + id + "\"", group.error_message);
    // Old brokers say so of a group that is not there.
    if (group.group_state == "Dead") return no_such_group(id);
    return to_info(group, node);
  }
  return error(errc::bad_answer, "cannot describe group \"" + id + "\": the broker's answer leaves it out");
}

}  // namespace

result<group_list> list_groups(ClientCore& core, const std::vector<std::string>& states, const std::vector<std::string>& types) {
  const TimePoint deadline = core.api_deadline();
  const auto known = core.fetch_metadata(std::vector<std::string>{}, false, deadline);
  if (!known) return known.error();
  const GroupFilter filter{.states = {states.begin(), states.end()}, .types = {types.begin(), types.end()}};
  std::vector<group_listing> groups;
  std::vector<error> failures;
  for (const auto& [node, address] : (*known)->brokers) {
    const auto listed = list_at(core, node, filter, deadline);
    if (listed)
      groups.insert(groups.end(), listed->begin(), listed->end());
    else
      failures.push_back(listed.error());
  }
  if (!failures.empty() && failures.size() == (*known)->brokers.size()) return failures.front();
  std::ranges::sort(groups, {}, &group_listing::id);
  return group_list(std::move(groups), std::move(failures));
}

result<group_info> describe_group(ClientCore& core, const std::string& id, bool with_history, TimePoint deadline) {
  const Question asked{.id = id, .with_history = with_history, .deadline = deadline};
  return at_coordinator<group_info>(core, id, deadline, [&](std::int32_t node) -> result<group_info> {
    const auto described = describe_consumer_group(core, asked, node);
    if (!described) return described.error();
    return *described ? result<group_info>(**described) : describe_classic_group(core, asked, node);
  });
}

}  // namespace core

result<group_list> admin::list_groups(const std::vector<std::string>& states, const std::vector<std::string>& types) {
  return core::list_groups(*core_, states, types);
}

result<group_info> admin::describe_group(const std::string& id, bool with_history) {
  return core::describe_group(*core_, id, with_history, core_->api_deadline());
}

result<void> admin::remove_group_members(const group_info& group) { return core::remove_members(*core_, group, core_->api_deadline()); }

result<std::vector<group_result>> admin::delete_groups(const std::vector<std::string>& ids) {
  return core::delete_groups(*core_, ids, core_->api_deadline());
}

result<std::vector<group_offset>> admin::list_group_offsets(const std::string& id, bool with_lag) {
  core::GroupMember nobody = core::GroupMember::nobody(id);
  nobody.wants_lag = with_lag;
  return core::fetch_offsets(*core_, nobody, {}, core_->api_deadline());
}

result<std::vector<group_partition_result>> admin::alter_group_offsets(const std::string& id, const std::vector<group_offset>& offsets) {
  return core::commit_offsets(*core_, core::GroupMember::nobody(id), offsets, core_->api_deadline());
}

result<std::vector<group_partition_result>> admin::delete_group_offsets(const std::string& id,
                                                                        const std::vector<topic_partition>& partitions) {
  return core::delete_offsets(*core_, id, partitions, core_->api_deadline());
}

}  // namespace tidelog
