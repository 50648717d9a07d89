#include "broker/handlers/handler.h"
#include "broker/handlers/internal_topics.h"
#include "broker/metadata/topic_names.h"
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

/// Where a key is coordinated, or why nowhere.
struct Place {
  ErrorCode error = ErrorCode::none;
  std::string_view reason;
};

Place find(const HandlerContext& context, std::int8_t key_type, std::int16_t version) {
  const std::int8_t last = version >= kFirstVersionWithShares ? kShare : kTransaction;
  if (key_type < kGroup || key_type > last) {
    return {.error = ErrorCode::invalid_request,
            .reason = "no such type of coordinator: 0 is for groups, 1 for transactions, 2 (from version 6) for shares"};
  }
  if (key_type != kGroup) {
    return {.error = ErrorCode::coordinator_not_available, .reason = "this version of the broker has no transactions and no share groups"};
  }
  if (context.image().find_topic(kOffsetsTopic) != nullptr) return {};
  return {.error = ErrorCode::coordinator_not_available,
          .reason = "topic __consumer_offsets, which keeps groups, could not be made: see the broker's log, and ask again"};
}

}  // namespace

/// FindCoordinator (key 10; KIP-699 from version 4). One broker coordinates everything. What groups are stored in is made if it is not
/// there.
Handle handle_find_coordinator(HandlerContext context, Request request, SendQueue& to) {
  proto::FindCoordinatorRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a FindCoordinator request could not be read");
    co_return Outcome::close;
  }
  const bool has_many = request.header.api_version >= kFirstVersionWithManyKeys;
  const bool names_any = !has_many || !message.coordinator_keys.empty();
  if (message.key_type == kGroup && names_any) co_await ensure_offsets_topic(context);
  const Place place = find(context, message.key_type, request.header.api_version);
  const Endpoint address = place.error == ErrorCode::none ? address_for(context) : Endpoint{.host = "", .port = 0};
  const std::int32_t node = place.error == ErrorCode::none ? context.node.id.value : -1;
  const std::int32_t port = place.error == ErrorCode::none ? address.port : -1;
  FindCoordinatorResponse response;
  std::vector<FindCoordinatorResponse::Coordinator> coordinators;
  if (has_many) {
    for (const std::string_view key : message.coordinator_keys) {
      coordinators.push_back({.key = key,
                              .node_id = node,
                              .host = address.host,
                              .port = port,
                              .error_code = static_cast<std::int16_t>(place.error),
                              .error_message = place.reason});
    }
    response.coordinators = coordinators;
  } else {
    response.error_code = static_cast<std::int16_t>(place.error);
    response.error_message = place.reason;
    response.node_id = node;
    response.host = address.host;
    response.port = port;
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
