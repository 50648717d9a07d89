#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/offset_delete_request.h"
#include "proto/messages/offset_delete_response.h"

namespace tidelog::broker {
namespace {

using proto::OffsetDeleteResponse;

OffsetDeleteCall to_call(const proto::OffsetDeleteRequest& message) {
  OffsetDeleteCall call{.group = std::string(message.group_id)};
  for (const auto& topic : message.topics) {
    OffsetDeleteCall::Topic& asked = call.topics.emplace_back();
    asked.name = topic.name;
    for (const auto& partition : topic.partitions) asked.partitions.push_back(partition.partition_index);
  }
  return call;
}

void respond_with(const Request& request, const OffsetDeleteCall& call, const OffsetDeleteAnswer& answer, SendQueue& to) {
  std::vector<OffsetDeleteResponse::OffsetDeleteResponsePartition> partitions;
  partitions.reserve(answer.partitions.size());  // Spans into it are taken below.
  std::vector<OffsetDeleteResponse::OffsetDeleteResponseTopic> topics;
  for (const OffsetDeleteCall::Topic& topic : call.topics) {
    if (answer.error != ErrorCode::none) break;
    const std::size_t begin = partitions.size();
    for (const std::int32_t index : topic.partitions) {
      partitions.push_back({.partition_index = index, .error_code = code(answer.partitions[partitions.size()])});
    }
    const auto its = std::span<const OffsetDeleteResponse::OffsetDeleteResponsePartition>(partitions).subspan(begin);
    topics.push_back({.name = topic.name, .partitions = its});
  }
  OffsetDeleteResponse response;
  response.error_code = code(answer.error);
  response.topics = topics;
  respond(request, response, to);
}

}  // namespace

/// OffsetDelete (key 47, KIP-496): forgets what a group committed, for partitions that none of its members reads.
Handle handle_offset_delete(HandlerContext context, Request request, SendQueue& to) {
  proto::OffsetDeleteRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "OffsetDelete");
  const OffsetDeleteCall call = to_call(message);
  const auto forget = [&call](GroupMachine& machine, Step& step) { return machine.delete_offsets(call, step); };
  std::pair<ErrorCode, OffsetDeleteAnswer> outcome = co_await ask_coordinator<OffsetDeleteAnswer>(context, call.group, forget);
  if (outcome.first != ErrorCode::none) outcome.second = {.error = outcome.first, .partitions = {}};
  respond_with(request, call, outcome.second, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
