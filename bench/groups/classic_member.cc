#include "bench/groups/classic_member.h"

#include "bench/groups/frames.h"
#include "proto/codec/consumer_protocol.h"
#include "proto/messages/heartbeat_request.h"
#include "proto/messages/heartbeat_response.h"
#include "proto/messages/join_group_request.h"
#include "proto/messages/join_group_response.h"
#include "proto/messages/leave_group_request.h"
#include "proto/messages/sync_group_request.h"
#include "proto/messages/sync_group_response.h"

#include <algorithm>
#include <utility>

namespace tidelog::bench {
namespace {

using namespace proto;

constexpr std::int16_t kJoinVersion = 9, kSyncVersion = 5, kHeartbeatVersion = 4, kLeaveVersion = 5;
constexpr std::int16_t kIllegalGeneration = 22, kUnknownMember = 25, kRebalance = 27, kIdRequired = 79;
constexpr std::string_view kConsumers = "consumer", kRange = "range";

}  // namespace

std::vector<std::byte> ClassicMember::next() {
  due_ = Clock::time_point::max();
  if (leaves_) {
    says_goodbye_ = true;
    const std::vector<LeaveGroupRequest::MemberIdentity> who{{.member_id = id_}};
    return framed(LeaveGroupRequest{.group_id = plan_.group, .members = who}, kLeaveVersion);
  }
  if (asks_ == Asks::sync) return sync();
  if (asks_ == Asks::heartbeat)
    return framed(HeartbeatRequest{.group_id = plan_.group, .generation_id = epoch_, .member_id = id_}, kHeartbeatVersion);
  const OwnedBytes subscription = encode_subscription({.version = 0, .topics = {plan_.topic}});
  const std::vector<JoinGroupRequest::JoinGroupRequestProtocol> protocols{{.name = kRange, .metadata = subscription}};
  return framed(JoinGroupRequest{.group_id = plan_.group,
                                 .session_timeout_ms = static_cast<std::int32_t>(plan_.session.count()),
                                 .rebalance_timeout_ms = 60'000,
                                 .member_id = id_,
                                 .protocol_type = kConsumers,
                                 .protocols = protocols},
                kJoinVersion);
}

std::vector<std::byte> ClassicMember::sync() const {
  std::vector<OwnedBytes> assigned;
  std::vector<SyncGroupRequest::SyncGroupRequestAssignment> assignments;
  assigned.reserve(led_.size());  // Views into it are taken below.
  const std::size_t count = led_.size();
  for (std::size_t i = 0; i < count; ++i) {
    NamedPartitions its{.topic = plan_.topic, .partitions = {}};
    const auto total = static_cast<std::size_t>(plan_.partitions);
    for (std::size_t k = i * total / count; k < (i + 1) * total / count; ++k) its.partitions.push_back(static_cast<std::int32_t>(k));
    assigned.push_back(encode_assignment({.version = 0, .partitions = {its}}));
    assignments.push_back({.member_id = led_[i], .assignment = assigned.back()});
  }
  return framed(SyncGroupRequest{.group_id = plan_.group,
                                 .generation_id = epoch_,
                                 .member_id = id_,
                                 .protocol_type = kConsumers,
                                 .protocol_name = kRange,
                                 .assignments = assignments},
                kSyncVersion);
}

void ClassicMember::hear(Bytes payload, Clock::time_point now) {
  if (says_goodbye_) {
    is_gone_ = true;
  } else if (asks_ == Asks::join) {
    hear_join(payload, now);
  } else if (asks_ == Asks::sync) {
    hear_sync(payload, now);
  } else {
    hear_heartbeat(payload, now);
  }
}

void ClassicMember::join_again(Clock::time_point now) {
  asks_ = Asks::join;
  due_ = now;
  if (is_settled_ && partitions_ > 0) stands_since_ = now;
  is_settled_ = false;
}

void ClassicMember::hear_join(Bytes payload, Clock::time_point now) {
  const auto answer = read_answer<JoinGroupResponse>(payload, kJoinVersion);
  if (is_for_later(answer.error_code)) {
    due_ = now + kPause;
    return;
  }
  if (answer.error_code == kIdRequired || answer.error_code == kRebalance) {
    id_ = answer.member_id;
    due_ = now;
    return;
  }
  if (answer.error_code == kUnknownMember) {
    id_.clear();
    due_ = now;
    return;
  }
  if (answer.error_code != 0) die("JoinGroup was answered by error " + std::to_string(answer.error_code));
  id_ = answer.member_id;
  epoch_ = answer.generation_id;
  led_.clear();
  for (const auto& member : answer.members) led_.emplace_back(member.member_id);
  std::ranges::sort(led_);
  asks_ = Asks::sync;
  due_ = now;
}

void ClassicMember::hear_sync(Bytes payload, Clock::time_point now) {
  const auto answer = read_answer<SyncGroupResponse>(payload, kSyncVersion);
  if (is_for_later(answer.error_code)) {
    due_ = now + kPause;
    return;
  }
  if (answer.error_code == kUnknownMember) id_.clear();
  if (answer.error_code == kRebalance || answer.error_code == kUnknownMember || answer.error_code == kIllegalGeneration)
    return join_again(now);
  if (answer.error_code != 0) die("SyncGroup was answered by error " + std::to_string(answer.error_code));
  const Result<ConsumerAssignment> assignment = decode_assignment(answer.assignment);
  if (!assignment) die("an assignment cannot be read");
  partitions_ = 0;
  for (const NamedPartitions& topic : assignment->partitions) partitions_ += topic.partitions.size();
  is_settled_ = true;
  if (stands_since_) longest_pause_ = std::max(longest_pause_, now - *std::exchange(stands_since_, std::nullopt));
  asks_ = Asks::heartbeat;
  due_ = now + plan_.heartbeat;
}

void ClassicMember::hear_heartbeat(Bytes payload, Clock::time_point now) {
  const auto answer = read_answer<HeartbeatResponse>(payload, kHeartbeatVersion);
  due_ = now + plan_.heartbeat;
  if (answer.error_code == 0 || is_for_later(answer.error_code)) return;
  if (answer.error_code == kUnknownMember) id_.clear();
  join_again(now);
}

}  // namespace tidelog::bench
