#include "broker/handlers/groups/ask_coordinator.h"
#include "broker/handlers/groups/member_names.h"
#include "proto/messages/join_group_request.h"
#include "proto/messages/join_group_response.h"

#include <chrono>

namespace tidelog::broker {
namespace {

using proto::JoinGroupRequest;
using proto::JoinGroupResponse;

constexpr std::int16_t kFirstWithRebalanceTimeout = 1;
constexpr std::int16_t kFirstWithRequiredId = 4;
constexpr std::int16_t kFirstWithNullProtocol = 7;
constexpr std::int16_t kFirstWithSkippedAssignment = 9;

JoinCall to_call(const HandlerContext& context, const Request& request, const JoinGroupRequest& message) {
  const std::int16_t version = request.header.api_version;
  const bool has_timeout = version >= kFirstWithRebalanceTimeout;
  JoinCall call{.group = std::string(message.group_id),
                .member_id = std::string(message.member_id),
                .instance_id = owned(message.group_instance_id),
                .client_id = std::string(request.header.client_id),
                .client_host = client_host(context),
                .session_timeout = std::chrono::milliseconds(message.session_timeout_ms),
                .rebalance_timeout = std::chrono::milliseconds(has_timeout ? message.rebalance_timeout_ms : message.session_timeout_ms),
                .protocol_type = std::string(message.protocol_type),
                .reason = std::string(message.reason),
                .must_know_its_id = version >= kFirstWithRequiredId,
                .may_skip_assignment = version >= kFirstWithSkippedAssignment};
  for (const auto& protocol : message.protocols) {
    call.protocols.push_back({.name = std::string(protocol.name), .metadata = owned(protocol.metadata)});
  }
  if (call.member_id.empty()) call.fresh_member_id = new_member_id(context, call.instance_id ? *call.instance_id : call.client_id);
  return call;
}

void respond_with(const Request& request, const JoinAnswer& answer, SendQueue& to) {
  std::vector<JoinGroupResponse::JoinGroupResponseMember> members;
  for (const JoinAnswer::Member& member : answer.members) {
    members.push_back({.member_id = member.id, .group_instance_id = view(member.instance_id), .metadata = view(member.metadata)});
  }
  JoinGroupResponse response;
  response.error_code = code(answer.error);
  response.generation_id = answer.generation;
  response.protocol_type = view(answer.protocol_type);
  response.protocol_name = view(answer.protocol);
  if (!answer.protocol && request.header.api_version < kFirstWithNullProtocol) response.protocol_name = "";
  response.leader = answer.leader;
  response.skip_assignment = answer.skip_assignment;
  response.member_id = answer.member_id;
  response.members = members;
  respond(request, response, to);
}

}  // namespace

/// JoinGroup (key 11). The answer waits for the other members, so the request's bytes go first.
Handle handle_join_group(HandlerContext context, Request request, SendQueue& to) {
  JoinGroupRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "JoinGroup");
  JoinCall call = to_call(context, request, message);
  std::string client_id;
  let_go_of(request, context.connection, client_id);
  const auto join = [](GroupMachine& machine, const JoinCall& asked, Step& step) { return machine.join(asked, step); };
  LateOutcome<JoinAnswer> outcome = co_await ask_and_wait<JoinAnswer>(context, call, join);
  if (outcome.error != ErrorCode::none) outcome.answer = JoinAnswer{.error = outcome.error, .member_id = call.member_id};
  if (!outcome.answer) co_return Outcome::close;
  respond_with(request, *outcome.answer, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
