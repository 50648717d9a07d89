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
  ErrorCode error = ErrorCode::none;  ///< None: here.
  std::string_view reason;
};

Place nowhere(std::string_view reason) { return {.error = ErrorCode::coordinator_not_available, .reason = reason}; }

Place place_of_group(const HandlerContext& context, std::string_view group) {
  const TopicImage* const topic = context.image().find_topic(kOffsetsTopic);
  if (topic == nullptr)
    return nowhere("topic __consumer_offsets, which keeps groups, could not be made: see the broker's log, and ask again");
  const PartitionIndex index = partition_of_group(group, static_cast<std::int32_t>(topic->partitions.size()));
  if (leadership_of(context, topic->partitions.at(static_cast<std::size_t>(index.value))).leader != context.node.id)
    return nowhere("the partition of __consumer_offsets that keeps this group is offline: its log directory has failed");
  return {};
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
  const Endpoint here = address_for(context);
  const auto tell = [&](std::string_view key, auto& told) {
    const Place place = refused ? *refused : place_of_group(context, key);
    const bool is_here = place.error == ErrorCode::none;
    told.node_id = is_here ? context.node.id.value : -1;
    told.host = is_here ? std::string_view(here.host) : "";
    told.port = is_here ? here.port : -1;
    told.error_code = static_cast<std::int16_t>(place.error);
    told.error_message = place.reason;
  };
  FindCoordinatorResponse response;
  std::vector<FindCoordinatorResponse::Coordinator> coordinators;
  if (has_many) {
    for (const std::string_view key : message.coordinator_keys)
      tell(key, coordinators.emplace_back(FindCoordinatorResponse::Coordinator{.key = key}));
    response.coordinators = coordinators;
  } else {
    tell(message.key, response);
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
