#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/heartbeat_request.h"
#include "proto/messages/heartbeat_response.h"

namespace tidelog::broker {

/// Heartbeat (key 12).
Handle handle_heartbeat(HandlerContext context, Request request, SendQueue& to) {
  proto::HeartbeatRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "Heartbeat");
  const HeartbeatCall call{.group = std::string(message.group_id),
                           .generation = message.generation_id,
                           .member_id = std::string(message.member_id),
                           .instance_id = owned(message.group_instance_id)};
  const auto beat = [&call](GroupMachine& machine, Step& step) { return machine.heartbeat(call, step); };
  const auto [error, answer] = co_await ask_coordinator<ErrorCode>(context, call.group, beat);
  proto::HeartbeatResponse response;
  response.error_code = code(error != ErrorCode::none ? error : answer);
  // Loading is no reason to leave the group: Kafka's broker lets such heartbeats pass as well.
  if (error == ErrorCode::coordinator_load_in_progress) response.error_code = code(ErrorCode::none);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
