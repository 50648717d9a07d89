#include "broker/handlers/handler.h"
#include "broker/handlers/internal_topics.h"
#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

using proto::FindCoordinatorResponse;

constexpr std::int16_t kFirstVersionWithManyKeys = 4;
constexpr std::int16_t kFirstVersionWithShares = 6;
constexpr std::int8_t kGroup = 0;
constexpr std::int8_t kTransaction = 1;
constexpr std::int8_t kShare = 2;

struct Refusal {
  std::int16_t code;
  std::string_view reason;
};

/// Why there is no coordinator for keys of this type.
Refusal refuse(std::int8_t key_type, std::int16_t version) {
  const std::int8_t last = version >= kFirstVersionWithShares ? kShare : kTransaction;
  if (key_type < kGroup || key_type > last) {
    return {.code = static_cast<std::int16_t>(ErrorCode::invalid_request),
            .reason = "no such type of coordinator: 0 is for groups, 1 for transactions, 2 (from version 6) for shares"};
  }
  // Any other error is fatal to librdkafka's consumers, which ask for their group's coordinator even if they only read what they assign
  // themselves.
  return {.code = static_cast<std::int16_t>(ErrorCode::coordinator_not_available),
          .reason = "this version of the broker has no consumer groups and no transactions; read without a group"};
}

}  // namespace

/// FindCoordinator (key 10; KIP-699 from version 4). Nobody coordinates anything yet; what groups will be stored in is made all the same.
Handle handle_find_coordinator(HandlerContext context, Request request, SendQueue& to) {
  proto::FindCoordinatorRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a FindCoordinator request could not be read");
    co_return Outcome::close;
  }
  const auto [code, reason] = refuse(message.key_type, request.header.api_version);
  const bool names_any = request.header.api_version < kFirstVersionWithManyKeys || !message.coordinator_keys.empty();
  if (message.key_type == kGroup && names_any) co_await ensure_offsets_topic(context);
  FindCoordinatorResponse response;
  std::vector<FindCoordinatorResponse::Coordinator> coordinators;
  if (request.header.api_version >= kFirstVersionWithManyKeys) {
    for (const std::string_view key : message.coordinator_keys) {
      coordinators.push_back({.key = key, .node_id = -1, .port = -1, .error_code = code, .error_message = reason});
    }
    response.coordinators = coordinators;
  } else {
    response.error_code = code;
    response.error_message = reason;
    response.node_id = -1;
    response.port = -1;
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
