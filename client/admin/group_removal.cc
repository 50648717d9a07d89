// What takes groups away: their members, or themselves.
#include "client/admin/groups.h"
#include "proto/error_code.h"
#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/consumer_group_heartbeat_response.h"
#include "proto/messages/delete_groups_request.h"
#include "proto/messages/delete_groups_response.h"
#include "proto/messages/leave_group_request.h"
#include "proto/messages/leave_group_response.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// What a member of the consumer protocol says when it goes for good, as a static one does, too, if nobody waits for it.
constexpr std::int32_t kLeaveEpoch = -1;

constexpr std::string_view kReason = "removed by an operator";

/// A member that is gone already is what was wanted.
bool is_gone(std::int16_t code) { return code == 0 || code == static_cast<int>(ErrorCode::unknown_member_id); }

std::string context_of(const std::string& group) { return "cannot remove the members of group \"" + group + "\""; }

result<void> leave_classic(ClientCore& core, const group_info& group, std::int32_t node, TimePoint deadline) {
  using Message = proto::LeaveGroupRequest;
  std::vector<Message::MemberIdentity> members;
  for (const group_member& member : group.members()) {
    Message::MemberIdentity& identity = members.emplace_back();
    identity.member_id = member.id();
    identity.reason = kReason;
    if (member.instance_id()) identity.group_instance_id = *member.instance_id();
  }
  Message message;
  message.group_id = group.id();
  message.members = members;
  const auto answer = core.call<proto::LeaveGroupResponse>(Target::node(node), message, deadline);
  if (!answer) return answer.error();
  if (!is_gone(answer->message.error_code)) return error::from_kafka(answer->message.error_code, context_of(group.id()));
  for (const auto& member : answer->message.members) {
    if (!is_gone(member.error_code)) return error::from_kafka(member.error_code, context_of(group.id()));
  }
  return {};
}

/// One after the other: a heartbeat is one member's. Those that speak the classic protocol go first: once the last of the others has gone,
/// it is a classic group, which takes no heartbeats. Those that do not are unknown to that protocol.
result<void> leave_consumer(ClientCore& core, const group_info& group, std::int32_t node, TimePoint deadline) {
  if (const result<void> left = leave_classic(core, group, node, deadline); !left) return left;
  for (const group_member& member : group.members()) {
    proto::ConsumerGroupHeartbeatRequest message;
    message.group_id = group.id();
    message.member_id = member.id();
    message.member_epoch = kLeaveEpoch;
    if (member.instance_id()) message.instance_id = *member.instance_id();
    const auto answer = core.call<proto::ConsumerGroupHeartbeatResponse>(Target::node(node), message, deadline);
    if (!answer) return answer.error();
    const auto& told = answer->message;
    if (!is_gone(told.error_code)) return error::from_kafka(told.error_code, context_of(group.id()), told.error_message);
  }
  return {};
}

using Outcomes = std::map<std::string, result<void>>;

/// One pass over what has no outcome yet: a request for each coordinator.
result<void> delete_once(ClientCore& core, const std::vector<std::string>& ids, Outcomes& outcomes, TimePoint deadline) {
  std::vector<std::string> left;
  std::ranges::copy_if(ids, std::back_inserter(left), [&](const std::string& id) { return !outcomes.contains(id); });
  const auto coordinators = find_coordinators(core, left, deadline);
  if (!coordinators) return coordinators.error();
  std::map<std::int32_t, std::vector<std::string_view>> by_node;
  for (const auto& [id, node] : *coordinators) by_node[node].push_back(id);
  result<void> passing;
  for (const auto& [node, names] : by_node) {
    proto::DeleteGroupsRequest message;
    message.groups_names = names;
    const auto answer = core.call<proto::DeleteGroupsResponse>(Target::node(node), message, deadline);
    if (!answer) return answer.error();
    for (const auto& each : answer->message.results) {
      const std::string id(each.group_id);
      result<void> outcome;
      if (each.error_code != 0) outcome = error::from_kafka(each.error_code, "cannot delete group \"" + id + "\"", each.error_message);
      if (!outcome && outcome.error().retriable())
        passing = outcome;
      else
        outcomes.insert_or_assign(id, std::move(outcome));
    }
  }
  return passing;
}

}  // namespace

result<void> remove_members(ClientCore& core, const group_info& group, TimePoint deadline) {
  struct Done {};
  const auto done = at_coordinator<Done>(core, group.id(), deadline, [&](std::int32_t node) -> result<Done> {
    const result<void> left = group.is_classic() ? leave_classic(core, group, node, deadline) : leave_consumer(core, group, node, deadline);
    if (!left) return left.error();
    return Done{};
  });
  return done ? result<void>() : result<void>(done.error());
}

result<std::vector<group_result>> delete_groups(ClientCore& core, const std::vector<std::string>& ids, TimePoint deadline) {
  Outcomes outcomes;
  const result<void> done = core.retry<void>(deadline, [&] { return delete_once(core, ids, outcomes, deadline); });
  if (!done && outcomes.empty()) return done.error();
  std::vector<group_result> results;
  for (const std::string& id : ids) {
    const auto outcome = outcomes.find(id);
    const error left_out(errc::bad_answer, "cannot delete group \"" + id + "\": the broker's answer leaves it out");
    results.emplace_back(id, outcome != outcomes.end() ? outcome->second : done ? result<void>(left_out) : done);
  }
  return results;
}

}  // namespace tidelog::core
