#include "broker/handlers/cluster_view.h"
#include "broker/handlers/groups/ask_for_much.h"
#include "broker/handlers/groups/distinct.h"
#include "broker/handlers/groups/told_history.h"
#include "proto/messages/describe_groups_request.h"
#include "proto/messages/describe_groups_response.h"

#include <limits>

namespace tidelog::broker {
namespace {

using proto::DescribeGroupsResponse;

constexpr std::int16_t kFirstWithNotFound = 6;

struct Asked {
  std::int16_t version = 0;
  bool wants_history = false;
  bool wants_operations = false;
};

struct Described {
  std::string name;
  ErrorCode error = ErrorCode::none;
  std::string message;
  std::int32_t operations = kNoOperations;
  ClassicDescription group;
  std::vector<DescribeGroupsResponse::DescribedGroupMember> members;
  std::vector<ToldEvent> history;
  std::vector<DescribeGroupsResponse::HistoryEvent> events;
};

using Answer = Result<ClassicDescription, ErrorCode>;

/// False: there is no memory for it.
asio::awaitable<bool> describe(HandlerContext context, const Asked& asked, std::pair<AnswerRoom&, Described&> to) {
  Described& described = to.second;
  const auto look = [&](GroupMachine& machine, Step&) {
    if (asked.wants_history) described.history = tell_history(machine, described.name);
    return machine.describe_classic(described.name);
  };
  const auto weigh = [&](const GroupMachine& machine) { return bytes_to_describe(machine, described.name); };
  auto outcome = co_await ask_for_much<Answer>(context, to.first, described.name, LargeQuestion{weigh, look});
  if (!outcome) co_return false;
  described.error = outcome->first;
  if (described.error != ErrorCode::none) co_return true;
  if (asked.wants_operations) described.operations = kGroupOperations;
  if (outcome->second) {
    described.group = std::move(*outcome->second);
    co_return true;
  }
  described.group.state = "Dead";
  // Older versions call a group that is not there a dead one, and say that all is well.
  if (outcome->second.error() == ErrorCode::group_id_not_found && asked.version < kFirstWithNotFound) co_return true;
  described.error = outcome->second.error();
  described.message = "there is no classic group " + described.name;
  co_return true;
}

DescribeGroupsResponse::DescribedGroup lay_out(Described& described) {
  for (const ClassicDescription::Member& member : described.group.members) {
    described.members.push_back({.member_id = member.id,
                                 .group_instance_id = view(member.instance_id),
                                 .client_id = member.client_id,
                                 .client_host = member.client_host,
                                 .member_metadata = view(member.metadata),
                                 .member_assignment = view(member.assignment)});
  }
  DescribeGroupsResponse::DescribedGroup group;
  group.error_code = code(described.error);
  if (!described.message.empty()) group.error_message = described.message;
  group.group_id = described.name;
  group.group_state = described.group.state;
  group.protocol_type = described.group.protocol_type;
  group.protocol_data = described.group.protocol;
  group.members = described.members;
  group.authorized_operations = described.operations;
  for (const ToldEvent& event : described.history) {
    described.events.push_back({.timestamp_ms = event.at.value, .generation = event.generation, .event = event.sentence});
  }
  group.history = described.events;
  return group;
}

}  // namespace

/// DescribeGroups (key 15): classic groups.
Handle handle_describe_groups(HandlerContext context, Request request, SendQueue& to) {
  proto::DescribeGroupsRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "DescribeGroups");
  std::vector<Described> all;
  for (const std::string_view name : distinct(message.groups)) all.emplace_back().name = name;
  const Asked asked{.version = request.header.api_version,
                    .wants_history = message.include_history,
                    .wants_operations = message.include_authorized_operations};
  AnswerRoom room(AnswerRoom::Bound::what_there_is);
  for (Described& one : all) {
    if (!co_await describe(context, asked, {room, one})) co_return Outcome::close;
  }
  std::vector<DescribeGroupsResponse::DescribedGroup> groups;
  for (Described& one : all) groups.push_back(lay_out(one));
  DescribeGroupsResponse response;
  response.groups = groups;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
