#include "bench/groups/consumer_member.h"

#include "bench/groups/frames.h"
#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/consumer_group_heartbeat_response.h"

#include <algorithm>

namespace tidelog::bench {
namespace {

using proto::ConsumerGroupHeartbeatRequest;
using proto::ConsumerGroupHeartbeatResponse;

constexpr std::int16_t kVersion = 1;
constexpr std::int16_t kUnknownMember = 25, kFencedEpoch = 110;

}  // namespace

std::vector<std::byte> ConsumerMember::next() {
  due_ = Clock::time_point::max();
  says_goodbye_ = leaves_;
  ConsumerGroupHeartbeatRequest request{.group_id = plan_.group, .member_id = id_, .member_epoch = leaves_ ? -1 : std::max(epoch_, 0)};
  const std::vector<std::string_view> names{plan_.topic};
  std::vector<ConsumerGroupHeartbeatRequest::TopicPartitions> owned;
  if (!leaves_ && says_all_) {
    for (const auto& [topic, partitions] : owned_) owned.push_back({.topic_id = topic, .partitions = partitions});
    request.topic_partitions = owned;
    if (request.member_epoch == 0) {
      request.rebalance_timeout_ms = 60'000;
      request.subscribed_topic_names = names;
    }
  }
  return framed(request, kVersion);
}

void ConsumerMember::hear(Bytes payload, Clock::time_point now) {
  const auto answer = read_answer<ConsumerGroupHeartbeatResponse>(payload, kVersion);
  if (says_goodbye_) {
    is_gone_ = true;
    return;
  }
  if (is_for_later(answer.error_code)) {
    due_ = now + kPause;
    return;
  }
  if (answer.error_code == kUnknownMember || answer.error_code == kFencedEpoch) return begin_anew(now);
  if (answer.error_code != 0) die("ConsumerGroupHeartbeat was answered by error " + std::to_string(answer.error_code));
  epoch_ = answer.member_epoch;
  says_all_ = false;
  due_ = now + Milliseconds(answer.heartbeat_interval_ms);
  if (!answer.assignment.present) {
    is_settled_ = true;
    return;
  }
  Owned owned;
  for (const auto& topic : answer.assignment.value.topic_partitions) {
    for (const std::int32_t partition : topic.partitions) owned[topic.topic_id].push_back(partition);
  }
  take(std::move(owned), now);
}

void ConsumerMember::take(Owned owned, Clock::time_point now) {
  const bool changes = owned != owned_;
  std::set<std::pair<Uuid, std::int32_t>> has;
  partitions_ = 0;
  for (const auto& [topic, partitions] : owned) {
    partitions_ += partitions.size();
    for (const std::int32_t partition : partitions) {
      has.emplace(topic, partition);
      const auto back = given_up_.find({topic, partition});
      if (back == given_up_.end()) continue;
      longest_pause_ = std::max(longest_pause_, now - back->second);
      given_up_.erase(back);
    }
  }
  for (const auto& [topic, partitions] : owned_) {
    for (const std::int32_t partition : partitions) {
      if (!has.contains({topic, partition})) given_up_.try_emplace({topic, partition}, now);
    }
  }
  owned_ = std::move(owned);
  // What was taken or given up is told at once.
  is_settled_ = !changes;
  says_all_ = changes;
  if (changes) due_ = now;
}

void ConsumerMember::begin_anew(Clock::time_point now) {
  epoch_ = 0;
  owned_.clear();
  partitions_ = 0;
  says_all_ = true;
  is_settled_ = false;
  due_ = now;
}

}  // namespace tidelog::bench
