#include "broker/handlers/handler.h"
#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

using proto::FindCoordinatorResponse;

constexpr std::int16_t kFirstVersionWithManyKeys = 4;
// Any other error is fatal to librdkafka's consumers, which ask for their group's coordinator even if they only read what they assign
// themselves.
constexpr auto kNone = static_cast<std::int16_t>(ErrorCode::coordinator_not_available);
constexpr std::string_view kReason = "this version of the broker has no consumer groups and no transactions; read without a group";

}  // namespace

/// FindCoordinator (key 10; KIP-699 from version 4). Nobody coordinates anything yet.
Handle handle_find_coordinator(HandlerContext context, Request request, SendQueue& to) {
  proto::FindCoordinatorRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a FindCoordinator request could not be read");
    co_return Outcome::close;
  }
  FindCoordinatorResponse response;
  std::vector<FindCoordinatorResponse::Coordinator> coordinators;
  if (request.header.api_version >= kFirstVersionWithManyKeys) {
    for (const std::string_view key : message.coordinator_keys) {
      coordinators.push_back({.key = key, .node_id = -1, .port = -1, .error_code = kNone, .error_message = kReason});
    }
    response.coordinators = coordinators;
  } else {
    response.error_code = kNone;
    response.error_message = kReason;
    response.node_id = -1;
    response.port = -1;
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
