#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/leave_group_request.h"
#include "proto/messages/leave_group_response.h"

namespace tidelog::broker {
namespace {

constexpr std::int16_t kFirstWithMany = 3;

LeaveCall to_call(const proto::LeaveGroupRequest& message, std::int16_t version) {
  LeaveCall call{.group = std::string(message.group_id)};
  if (version < kFirstWithMany) {
    call.members.push_back({.id = std::string(message.member_id)});
    return call;
  }
  for (const auto& member : message.members) {
    call.members.push_back(
        {.id = std::string(member.member_id), .instance_id = owned(member.group_instance_id), .reason = std::string(member.reason)});
  }
  return call;
}

}  // namespace

/// LeaveGroup (key 13): one member, or from version 3 on any number, by name or by instance id.
Handle handle_leave_group(HandlerContext context, Request request, SendQueue& to) {
  proto::LeaveGroupRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "LeaveGroup");
  const LeaveCall call = to_call(message, request.header.api_version);
  const auto leave = [&call](GroupMachine& machine, Step& step) { return machine.leave(call, step); };
  const auto [error, answer] = co_await ask_coordinator<LeaveAnswer>(context, call.group, leave);
  const bool is_for_one = request.header.api_version < kFirstWithMany;
  proto::LeaveGroupResponse response;
  response.error_code = code(error != ErrorCode::none ? error : answer.error);
  std::vector<proto::LeaveGroupResponse::MemberResponse> members;
  if (is_for_one && response.error_code == 0 && !answer.members.empty()) response.error_code = code(answer.members.front());
  for (std::size_t i = 0; !is_for_one && error == ErrorCode::none && i < answer.members.size(); ++i) {
    const LeaveCall::Member& member = call.members[i];
    members.push_back({.member_id = member.id, .group_instance_id = view(member.instance_id), .error_code = code(answer.members[i])});
  }
  response.members = members;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
