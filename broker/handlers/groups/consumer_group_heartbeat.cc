#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/consumer_group_heartbeat_response.h"

#include <algorithm>
#include <map>

namespace tidelog::broker {
namespace {

using proto::ConsumerGroupHeartbeatRequest;
using proto::ConsumerGroupHeartbeatResponse;

PartitionsById to_partitions(const proto::Array<ConsumerGroupHeartbeatRequest::TopicPartitions>& topics) {
  std::map<Uuid, std::vector<std::int32_t>> by_id;
  for (const auto& topic : topics) {
    std::vector<std::int32_t>& partitions = by_id[topic.topic_id];
    for (const std::int32_t index : topic.partitions) partitions.push_back(index);
  }
  PartitionsById owned;
  for (auto& [id, partitions] : by_id) {
    std::ranges::sort(partitions);
    partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
    if (!partitions.empty()) owned.emplace_back(id, std::move(partitions));
  }
  return owned;
}

ConsumerHeartbeatCall to_call(const HandlerContext& context, const Request& request, const ConsumerGroupHeartbeatRequest& message) {
  ConsumerHeartbeatCall call{.group = std::string(message.group_id),
                             .member_id = std::string(message.member_id),
                             .fresh_member_id = {},
                             .member_epoch = message.member_epoch,
                             .instance_id = owned(message.instance_id),
                             .rack_id = owned(message.rack_id),
                             .client_id = std::string(request.header.client_id),
                             .client_host = client_host(context),
                             .rebalance_timeout_ms = message.rebalance_timeout_ms,
                             .subscribed_names = std::nullopt,
                             .subscribed_regex = owned(message.subscribed_topic_regex),
                             .server_assignor = owned(message.server_assignor),
                             .owned = std::nullopt,
                             .version = request.header.api_version};
  if (!message.subscribed_topic_names.is_null()) {
    call.subscribed_names.emplace();
    for (const std::string_view name : message.subscribed_topic_names) call.subscribed_names->emplace_back(name);
  }
  if (!message.topic_partitions.is_null()) call.owned = to_partitions(message.topic_partitions);
  if (call.member_id.empty()) {
    Uuid fresh;
    while (fresh.is_zero()) context.here.shard.env().random().fill(fresh.bytes);
    call.fresh_member_id = fresh.to_string();
  }
  return call;
}

void respond_with(const Request& request, const ConsumerHeartbeatAnswer& answer, SendQueue& to) {
  std::vector<ConsumerGroupHeartbeatResponse::TopicPartitions> topics;
  ConsumerGroupHeartbeatResponse response;
  response.error_code = code(answer.error);
  if (!answer.error_message.empty()) response.error_message = answer.error_message;
  if (!answer.member_id.empty()) response.member_id = answer.member_id;
  response.member_epoch = answer.member_epoch;
  response.heartbeat_interval_ms = answer.heartbeat_interval_ms;
  if (answer.assignment) {
    for (const auto& [id, partitions] : *answer.assignment) topics.push_back({.topic_id = id, .partitions = partitions});
    response.assignment.present = true;
    response.assignment.value.topic_partitions = topics;
  }
  respond(request, response, to);
}

}  // namespace

/// ConsumerGroupHeartbeat (key 68, KIP-848).
Handle handle_consumer_group_heartbeat(HandlerContext context, Request request, SendQueue& to) {
  ConsumerGroupHeartbeatRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "ConsumerGroupHeartbeat");
  const ConsumerHeartbeatCall call = to_call(context, request, message);
  const auto beat = [&call](GroupMachine& machine, Step& step) { return machine.heartbeat(call, step); };
  std::pair<ErrorCode, ConsumerHeartbeatAnswer> outcome = co_await ask_coordinator<ConsumerHeartbeatAnswer>(context, call.group, beat);
  if (outcome.first != ErrorCode::none) {
    outcome.second = ConsumerHeartbeatAnswer();
    outcome.second.error = outcome.first;
  }
  respond_with(request, outcome.second, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
