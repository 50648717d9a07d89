#include "broker/handlers/cluster_view.h"
#include "broker/handlers/groups/ask_for_much.h"
#include "broker/handlers/groups/distinct.h"
#include "broker/handlers/groups/told_history.h"
#include "proto/messages/consumer_group_describe_request.h"
#include "proto/messages/consumer_group_describe_response.h"

#include <deque>

namespace tidelog::broker {
namespace {

using proto::ConsumerGroupDescribeResponse;
using Answer = Result<ConsumerDescription, ErrorCode>;

constexpr std::int8_t kClassicMember = 0;
constexpr std::int8_t kConsumerMember = 1;

struct Described {
  std::string name;
  ErrorCode error = ErrorCode::none;
  std::string message;
  std::int32_t operations = kNoOperations;
  ConsumerDescription group;
  std::vector<ToldEvent> history;
};

/// What the views of the answer point to. Nothing in it moves.
struct Room {
  std::deque<std::vector<ConsumerGroupDescribeResponse::TopicPartitions>> assignments;
  std::deque<std::vector<std::string_view>> names;
  std::deque<std::vector<ConsumerGroupDescribeResponse::Member>> members;
  std::deque<std::vector<ConsumerGroupDescribeResponse::HistoryEvent>> events;
};

/// False: there is no memory for it.
asio::awaitable<bool> describe(HandlerContext context, bool wants_history, std::pair<AnswerRoom&, Described&> to) {
  Described& described = to.second;
  if (described.name.empty()) {
    described.error = ErrorCode::invalid_group_id;
    described.message = "the name of a group must not be empty";
    co_return true;
  }
  const auto look = [&](GroupMachine& machine, Step&) {
    if (wants_history) described.history = tell_history(machine, described.name);
    return machine.describe_consumer(described.name);
  };
  const auto weigh = [&](const GroupMachine& machine) { return bytes_to_describe(machine, described.name); };
  auto outcome = co_await ask_for_much<Answer>(context, to.first, described.name, LargeQuestion{weigh, look});
  if (!outcome) co_return false;
  described.error = outcome->first;
  if (described.error != ErrorCode::none) co_return true;
  if (outcome->second) {
    described.group = std::move(*outcome->second);
  } else {
    described.error = outcome->second.error();
    described.message = "there is no consumer group " + described.name;
  }
  co_return true;
}

ConsumerGroupDescribeResponse::Assignment lay_out(const PartitionsById& partitions, const Image& image, Room& room) {
  auto& topics = room.assignments.emplace_back();
  for (const auto& [id, indexes] : partitions) {
    const TopicImage* const topic = image.find_topic(id);
    if (topic != nullptr) topics.push_back({.topic_id = id, .topic_name = topic->name, .partitions = indexes});
  }
  ConsumerGroupDescribeResponse::Assignment assignment;
  assignment.topic_partitions = topics;
  return assignment;
}

ConsumerGroupDescribeResponse::Member lay_out(const ConsumerDescription::Member& member, const HandlerContext& context, Room& room) {
  auto& names = room.names.emplace_back(member.subscribed_names.begin(), member.subscribed_names.end());
  ConsumerGroupDescribeResponse::Member told;
  told.member_id = member.id;
  told.instance_id = view(member.instance_id);
  told.rack_id = view(member.rack_id);
  told.member_epoch = member.epoch;
  told.client_id = member.client_id;
  told.client_host = member.client_host;
  told.subscribed_topic_names = names;
  // Never null, though it might be: no client has met that with Kafka.
  told.subscribed_topic_regex = member.subscribed_regex ? std::string_view(*member.subscribed_regex) : std::string_view("");
  told.assignment = lay_out(member.assigned, context.image(), room);
  told.target_assignment = lay_out(member.target, context.image(), room);
  told.member_type = member.is_classic ? kClassicMember : kConsumerMember;
  return told;
}

ConsumerGroupDescribeResponse::DescribedGroup lay_out(const Described& described, const HandlerContext& context, Room& room) {
  auto& members = room.members.emplace_back();
  for (const auto& member : described.group.members) members.push_back(lay_out(member, context, room));
  ConsumerGroupDescribeResponse::DescribedGroup group;
  group.error_code = code(described.error);
  if (!described.message.empty()) group.error_message = described.message;
  group.group_id = described.name;
  group.group_state = described.group.state;
  group.group_epoch = described.group.epoch;
  group.assignment_epoch = described.group.assignment_epoch;
  group.assignor_name = described.group.assignor;
  group.members = members;
  group.authorized_operations = described.operations;
  auto& events = room.events.emplace_back();
  for (const ToldEvent& event : described.history) {
    events.push_back({.timestamp_ms = event.at.value, .generation = event.generation, .event = event.sentence});
  }
  group.history = events;
  return group;
}

}  // namespace

/// ConsumerGroupDescribe (key 69, KIP-848).
Handle handle_consumer_group_describe(HandlerContext context, Request request, SendQueue& to) {
  proto::ConsumerGroupDescribeRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "ConsumerGroupDescribe");
  std::vector<Described> all;
  for (const std::string_view name : distinct(message.group_ids)) all.emplace_back().name = name;
  AnswerRoom memory(AnswerRoom::Bound::what_there_is);
  for (Described& one : all) {
    if (message.include_authorized_operations) one.operations = kGroupOperations;
    if (!co_await describe(context, message.include_history, {memory, one})) co_return Outcome::close;
  }
  Room room;
  std::vector<ConsumerGroupDescribeResponse::DescribedGroup> groups;
  for (const Described& one : all) groups.push_back(lay_out(one, context, room));
  ConsumerGroupDescribeResponse response;
  response.groups = groups;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
