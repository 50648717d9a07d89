#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/sync_group_request.h"
#include "proto/messages/sync_group_response.h"

namespace tidelog::broker {
namespace {

SyncCall to_call(const proto::SyncGroupRequest& message) {
  SyncCall call{.group = std::string(message.group_id),
                .generation = message.generation_id,
                .member_id = std::string(message.member_id),
                .instance_id = owned(message.group_instance_id),
                .protocol_type = owned(message.protocol_type),
                .protocol = owned(message.protocol_name)};
  for (const auto& assignment : message.assignments) {
    call.assignments.push_back({.member_id = std::string(assignment.member_id), .bytes = owned(assignment.assignment)});
  }
  return call;
}

}  // namespace

/// SyncGroup (key 14). Followers wait for their leader.
Handle handle_sync_group(HandlerContext context, Request request, SendQueue& to) {
  proto::SyncGroupRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "SyncGroup");
  SyncCall call = to_call(message);
  std::string client_id;
  let_go_of(request, context.connection, client_id);
  const auto sync = [](GroupMachine& machine, const SyncCall& asked, Step& step) { return machine.sync(asked, step); };
  LateOutcome<SyncAnswer> outcome = co_await ask_and_wait<SyncAnswer>(context, call, sync);
  if (outcome.error != ErrorCode::none) outcome.answer = SyncAnswer{.error = outcome.error};
  if (!outcome.answer) co_return Outcome::close;
  proto::SyncGroupResponse response;
  response.error_code = code(outcome.answer->error);
  response.protocol_type = view(outcome.answer->protocol_type);
  response.protocol_name = view(outcome.answer->protocol);
  response.assignment = view(outcome.answer->assignment);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
