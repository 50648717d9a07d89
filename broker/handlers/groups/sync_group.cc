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

/// Since they have a place in the request, they have to be named.
bool names_its_protocol(const proto::SyncGroupRequest& message, std::int16_t version) {
  constexpr std::int16_t kFirstWithProtocol = 5;
  return version < kFirstWithProtocol || (!proto::is_null(message.protocol_type) && !proto::is_null(message.protocol_name));
}

void answer(const Request& request, const SyncAnswer& said, SendQueue& to) {
  proto::SyncGroupResponse response;
  response.error_code = code(said.error);
  response.protocol_type = view(said.protocol_type);
  response.protocol_name = view(said.protocol);
  response.assignment = view(said.assignment);
  respond(request, response, to);
}

}  // namespace

/// SyncGroup (key 14). Followers wait for their leader.
Handle handle_sync_group(HandlerContext context, Request request, SendQueue& to) {
  proto::SyncGroupRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "SyncGroup");
  if (!names_its_protocol(message, request.header.api_version)) {
    answer(request, sync_refused(ErrorCode::inconsistent_group_protocol), to);
    co_return Outcome::keep;
  }
  SyncCall call = to_call(message);
  std::string client_id;
  let_go_of(request, context.connection, client_id);
  const auto sync = [](GroupMachine& machine, const SyncCall& asked, Step& step) { return machine.sync(asked, step); };
  LateOutcome<SyncAnswer> outcome = co_await ask_and_wait<SyncAnswer>(context, call, sync);
  if (outcome.error != ErrorCode::none) outcome.answer = SyncAnswer{.error = outcome.error};
  if (!outcome.answer) co_return Outcome::close;
  answer(request, *outcome.answer, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
