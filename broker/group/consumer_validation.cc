#include "broker/group/consumer_validation.h"

#include "broker/group/reconciliation.h"
#include "broker/group/topic_pattern.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr std::int16_t kFirstWithClientMadeIds = 1;

Refusal invalid(std::string message) { return {.error = ErrorCode::invalid_request, .message = std::move(message)}; }

std::optional<Refusal> find_fault_in_ids(const ConsumerHeartbeatCall& call) {
  const bool may_be_named_here = call.version < kFirstWithClientMadeIds && call.member_epoch == 0;
  if (call.group.empty()) return invalid("GroupId must not be empty.");
  if (call.member_id.empty() && !may_be_named_here) return invalid("MemberId must not be empty: the client makes one and keeps it.");
  if (call.instance_id && call.instance_id->empty()) return invalid("InstanceId must be null or not empty.");
  if (call.rack_id && call.rack_id->empty()) return invalid("RackId must be null or not empty.");
  const std::size_t longest = std::max({call.member_id.size(), call.instance_id.value_or("").size(), call.rack_id.value_or("").size()});
  if (longest <= kMostIdBytes) return std::nullopt;
  return invalid("MemberId, InstanceId and RackId may have " + std::to_string(kMostIdBytes) + " bytes at most.");
}

std::optional<Refusal> find_fault_in_epoch(const ConsumerHeartbeatCall& call) {
  if (call.member_epoch < kLeftForAWhile) {
    return invalid("MemberEpoch " + std::to_string(call.member_epoch) +
                   " means nothing: 0 joins, -1 leaves, -2 leaves a static membership for a while.");
  }
  if (call.member_epoch == kLeftForAWhile && !call.instance_id) {
    return invalid("InstanceId must be given with MemberEpoch -2: only a static member leaves for a while.");
  }
  if (call.member_epoch != 0) return std::nullopt;
  if (call.rebalance_timeout_ms == -1) return invalid("RebalanceTimeoutMs must be given with MemberEpoch 0.");
  if (!call.owned || !call.owned->empty()) return invalid("TopicPartitions must be empty with MemberEpoch 0: who joins owns nothing yet.");
  if (call.subscribed_names || call.subscribed_regex) return std::nullopt;
  return invalid("SubscribedTopicNames or SubscribedTopicRegex must be given with MemberEpoch 0.");
}

std::optional<Refusal> find_fault_in_subscription(const ConsumerHeartbeatCall& call) {
  std::size_t bytes = 0;
  if (call.subscribed_names) {
    for (const std::string& name : *call.subscribed_names) bytes += name.size() + sizeof(std::int16_t);
  }
  if (bytes <= kMostSubscribedBytes) return std::nullopt;
  return invalid("SubscribedTopicNames may have " + std::to_string(kMostSubscribedBytes) +
                 " bytes at most; SubscribedTopicRegex names as many topics in fewer.");
}

std::optional<Refusal> find_fault_in_assignor(const ConsumerHeartbeatCall& call, const GroupSettings& settings) {
  if (!call.server_assignor) return std::nullopt;
  const std::vector<std::string>& known_ones = settings.consumer_assignors;
  if (std::ranges::find(known_ones, *call.server_assignor) != known_ones.end()) return std::nullopt;
  std::string known;
  for (const std::string& name : known_ones) known += (known.empty() ? "" : ", ") + name;
  return Refusal{.error = ErrorCode::unsupported_assignor,
                 .message = "ServerAssignor " + *call.server_assignor + " is not one of " + known + "."};
}

}  // namespace

std::optional<Refusal> find_fault(const ConsumerHeartbeatCall& call, const GroupSettings& settings) {
  std::optional<Refusal> fault = find_fault_in_ids(call);
  if (!fault) fault = find_fault_in_epoch(call);
  if (!fault) fault = find_fault_in_subscription(call);
  if (!fault) fault = find_fault_in_assignor(call, settings);
  return fault;
}

}  // namespace tidelog::broker
