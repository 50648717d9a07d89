#include "broker/group/group_hash.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/internal_topics.h"
#include "broker/metadata/topic_names.h"
#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

#include <optional>
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
  NodeId node{-1};
  Endpoint address{.host = "", .port = 0};
  ErrorCode error = ErrorCode::none;
  std::string_view reason;

  [[nodiscard]] std::int32_t port() const { return error == ErrorCode::none ? address.port : -1; }
};

Place nowhere(std::string_view reason) { return {.error = ErrorCode::coordinator_not_available, .reason = reason}; }

Place place_of_group(const HandlerContext& context, std::string_view group) {
  const TopicImage* const topic = context.image().find_topic(kOffsetsTopic);
  if (topic == nullptr)
    return nowhere("topic __consumer_offsets, which keeps groups, could not be made: see the broker's log, and ask again");
  const PartitionIndex index = partition_of_group(group, static_cast<std::int32_t>(topic->partitions.size()));
  if (leadership_of(context, topic->partitions.at(static_cast<std::size_t>(index.value))).leader != context.node.id)
    return nowhere("the partition of __consumer_offsets that keeps this group is offline: its log directory has failed");
  return {.node = context.node.id, .address = address_for(context), .reason = {}};
}

/// What is wrong with all keys of a request.
std::optional<Place> why_nowhere(std::int8_t key_type, std::int16_t version) {
  const std::int8_t last = version >= kFirstVersionWithShares ? kShare : kTransaction;
  if (key_type < kGroup || key_type > last) {
    return Place{.error = ErrorCode::invalid_request,
                 .reason = "no such type of coordinator: 0 is for groups, 1 for transactions, 2 (from version 6) for shares"};
  }
  if (key_type != kGroup) return nowhere("this version of the broker has no transactions and no share groups");
  return std::nullopt;
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
  const std::optional<Place> refused = why_nowhere(message.key_type, request.header.api_version);
  const auto place_of = [&](std::string_view key) { return refused ? *refused : place_of_group(context, key); };
  FindCoordinatorResponse response;
  std::vector<Place> places;  // Owns the hosts.
  std::vector<FindCoordinatorResponse::Coordinator> coordinators;
  if (has_many) {
    places.reserve(message.coordinator_keys.size());
    for (const std::string_view key : message.coordinator_keys) {
      const Place& place = places.emplace_back(place_of(key));
      coordinators.push_back({.key = key,
                              .node_id = place.node.value,
                              .host = place.address.host,
                              .port = place.port(),
                              .error_code = static_cast<std::int16_t>(place.error),
                              .error_message = place.reason});
    }
    response.coordinators = coordinators;
  } else {
    const Place& place = places.emplace_back(place_of(message.key));
    response.error_code = static_cast<std::int16_t>(place.error);
    response.error_message = place.reason;
    response.node_id = place.node.value;
    response.host = place.address.host;
    response.port = place.port();
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
