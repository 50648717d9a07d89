#include "client/group/calls.h"

#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/consumer_group_heartbeat_response.h"
#include "proto/messages/heartbeat_request.h"
#include "proto/messages/heartbeat_response.h"
#include "proto/messages/join_group_request.h"
#include "proto/messages/join_group_response.h"
#include "proto/messages/leave_group_request.h"
#include "proto/messages/leave_group_response.h"
#include "proto/messages/sync_group_request.h"
#include "proto/messages/sync_group_response.h"

#include <map>
#include <span>
#include <type_traits>

namespace tidelog::core {
namespace {

constexpr std::string_view kProtocolType = "consumer";
/// Of ConsumerGroupHeartbeat.
constexpr std::int16_t kFirstWithPattern = 1;

std::int32_t to_ms(Milliseconds time) { return static_cast<std::int32_t>(time.count()); }

/// Null unless the member is a static one.
std::string_view instance_of(const MemberSettings& settings) {
  return settings.instance_id.empty() ? std::string_view() : std::string_view(settings.instance_id);
}

/// All but the protocols, which lie with whoever writes it.
proto::JoinGroupRequest to_message(const JoinCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts) {
  proto::JoinGroupRequest message;
  message.group_id = settings.group;
  message.session_timeout_ms = to_ms(timeouts.session);
  message.rebalance_timeout_ms = to_ms(settings.max_poll_interval);
  message.member_id = call.member_id;
  message.group_instance_id = instance_of(settings);
  message.protocol_type = kProtocolType;
  return message;
}

/// A request that writes itself by `encode`, which holds all that it needs.
template <class Message, class Encode>
Request request_of(TimePoint deadline, Encode encode) {
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = Message::kMaxVersion;
  request.deadline = deadline;
  request.encode = std::move(encode);
  return request;
}

Request make(const JoinCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  using Message = proto::JoinGroupRequest;
  // The coordinator answers when all members are there, or their time is over.
  const TimePoint deadline = now + settings.max_poll_interval + timeouts.request;
  return request_of<Message>(deadline, [call, settings, timeouts](proto::Output& out, std::int16_t version) {
    std::vector<Message::JoinGroupRequestProtocol> protocols;
    for (const auto& [name, metadata] : call.protocols) protocols.push_back({.name = name, .metadata = metadata});
    Message message = to_message(call, settings, timeouts);
    message.protocols = protocols;
    proto::encode(message, version, out);
  });
}

Request make(const SyncCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  using Message = proto::SyncGroupRequest;
  const TimePoint deadline = now + settings.max_poll_interval + timeouts.request;
  return request_of<Message>(deadline, [call, settings](proto::Output& out, std::int16_t version) {
    std::vector<Message::SyncGroupRequestAssignment> assignments;
    for (const auto& [member, blob] : call.assignments) assignments.push_back({.member_id = member, .assignment = blob});
    Message message;
    message.group_id = settings.group;
    message.generation_id = call.generation;
    message.member_id = call.member_id;
    message.group_instance_id = instance_of(settings);
    message.protocol_type = kProtocolType;
    message.protocol_name = call.protocol;
    message.assignments = assignments;
    proto::encode(message, version, out);
  });
}

Request make(const HeartbeatCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  using Message = proto::HeartbeatRequest;
  return request_of<Message>(now + timeouts.request, [call, settings](proto::Output& out, std::int16_t version) {
    Message message;
    message.group_id = settings.group;
    message.generation_id = call.generation;
    message.member_id = call.member_id;
    message.group_instance_id = instance_of(settings);
    proto::encode(message, version, out);
  });
}

Request make(const LeaveCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  using Message = proto::LeaveGroupRequest;
  return request_of<Message>(now + timeouts.request, [call, settings](proto::Output& out, std::int16_t version) {
    Message::MemberIdentity member;
    member.member_id = call.member_id;
    member.group_instance_id = instance_of(settings);
    member.reason = "the consumer was closed";
    Message message;
    message.group_id = settings.group;
    message.member_id = call.member_id;
    message.members = std::span<const Message::MemberIdentity>(&member, 1);
    proto::encode(message, version, out);
  });
}

Request make(const ConsumerCall& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  using Message = proto::ConsumerGroupHeartbeatRequest;
  Request request = request_of<Message>(now + timeouts.request, [call, settings](proto::Output& out, std::int16_t version) {
    const std::vector<std::string_view> topics(settings.topics.begin(), settings.topics.end());
    std::map<Uuid, std::vector<std::int32_t>> by_topic;
    if (call.owned) {
      for (const auto& [id, partition] : *call.owned) by_topic[id].push_back(partition);
    }
    std::vector<Message::TopicPartitions> owned;
    for (const auto& [id, partitions] : by_topic) owned.push_back({.topic_id = id, .partitions = partitions});
    Message message;
    message.group_id = settings.group;
    message.member_id = call.member_id;
    message.member_epoch = call.epoch;
    message.instance_id = instance_of(settings);
    if (call.is_whole) {
      message.rebalance_timeout_ms = to_ms(settings.max_poll_interval);
      if (!settings.filter) message.subscribed_topic_names = topics;
      if (settings.filter) message.subscribed_topic_regex = settings.filter->text();
      if (!settings.rack.empty()) message.rack_id = settings.rack;
      if (!settings.remote_assignor.empty()) message.server_assignor = settings.remote_assignor;
    }
    if (call.owned) message.topic_partitions = owned;
    proto::encode(message, version, out);
  });
  if (settings.filter) request.min_version = kFirstWithPattern;
  return request;
}

CallAnswer to_answer(const proto::JoinGroupResponse& from) {
  JoinAnswer answer{.code = static_cast<ErrorCode>(from.error_code),
                    .generation = from.generation_id,
                    .protocol = std::string(from.protocol_name),
                    .leader = std::string(from.leader),
                    .member_id = std::string(from.member_id),
                    .skips_assignment = from.skip_assignment,
                    .members = {}};
  for (const auto& member : from.members) {
    answer.members.push_back({.id = std::string(member.member_id),
                              .instance_id = std::string(member.group_instance_id),
                              .subscription = read_subscription(member.metadata)});
  }
  return answer;
}

CallAnswer to_answer(const proto::SyncGroupResponse& from) {
  return SyncAnswer{.code = static_cast<ErrorCode>(from.error_code), .assigned = read_assignment(from.assignment)};
}

CallAnswer to_answer(const proto::HeartbeatResponse& from) { return HeartbeatAnswer{.code = static_cast<ErrorCode>(from.error_code)}; }

CallAnswer to_answer(const proto::LeaveGroupResponse& from) { return LeaveAnswer{.code = static_cast<ErrorCode>(from.error_code)}; }

CallAnswer to_answer(const proto::ConsumerGroupHeartbeatResponse& from) {
  ConsumerAnswer answer{.code = static_cast<ErrorCode>(from.error_code),
                        .text = std::string(from.error_message),
                        .member_id = std::string(from.member_id),
                        .epoch = from.member_epoch,
                        .heartbeat_interval = Milliseconds(from.heartbeat_interval_ms),
                        .assigned = {}};
  if (!from.assignment.present) return answer;
  answer.assigned.emplace();
  for (const auto& topic : from.assignment.value.topic_partitions) {
    for (const std::int32_t partition : topic.partitions) answer.assigned->emplace_back(topic.topic_id, partition);
  }
  return answer;
}

template <class Message>
result<CallAnswer> read_as(const Answer& answer) {
  const result<Message> message = read_answer<Message>(answer);
  return message ? to_answer(*message) : result<CallAnswer>(message.error());
}

/// The message that answers each call.
template <class T>
struct AnswerTo;
template <>
struct AnswerTo<JoinCall> : std::type_identity<proto::JoinGroupResponse> {};
template <>
struct AnswerTo<SyncCall> : std::type_identity<proto::SyncGroupResponse> {};
template <>
struct AnswerTo<HeartbeatCall> : std::type_identity<proto::HeartbeatResponse> {};
template <>
struct AnswerTo<LeaveCall> : std::type_identity<proto::LeaveGroupResponse> {};
template <>
struct AnswerTo<ConsumerCall> : std::type_identity<proto::ConsumerGroupHeartbeatResponse> {};

}  // namespace

Request to_request(const Call& call, const MemberSettings& settings, const MemberTimeouts& timeouts, TimePoint now) {
  return std::visit([&](const auto& each) { return make(each, settings, timeouts, now); }, call);
}

result<CallAnswer> read_call_answer(const Call& call, const Answer& answer) {
  return std::visit([&]<class T>(const T&) { return read_as<typename AnswerTo<T>::type>(answer); }, call);
}

ErrorCode code_of(const CallAnswer& answer) {
  return std::visit([](const auto& each) { return each.code; }, answer);
}

}  // namespace tidelog::core
