#include "broker/handlers/groups/ask_for_much.h"
#include "proto/messages/list_groups_request.h"
#include "proto/messages/list_groups_response.h"

#include <algorithm>
#include <cctype>

namespace tidelog::broker {
namespace {

constexpr std::int16_t kFirstWithStates = 4;
constexpr std::int16_t kFirstWithTypes = 5;
/// After more of them others have their turn.
constexpr std::size_t kListedAtOnce = 100;

bool is_same_letter(char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b)); }

/// An empty filter lets everything through.
bool lets_through(const std::vector<std::string>& filter, std::string_view value) {
  const auto is_it = [value](const std::string& wanted) { return std::ranges::equal(wanted, value, is_same_letter); };
  return filter.empty() || std::ranges::any_of(filter, is_it);
}

std::vector<std::string> to_filter(const proto::Array<std::string_view>& values) {
  std::vector<std::string> filter;
  for (const std::string_view value : values) filter.emplace_back(value);
  return filter;
}

struct Found {
  std::vector<ListedGroup> groups;
  ErrorCode error = ErrorCode::none;
};

/// Of one group, beside its name, which is there three times: found, laid out and encoded.
constexpr std::size_t kGroupBytes = sizeof(ListedGroup) + sizeof(proto::ListGroupsResponse::ListedGroup) + 64;

/// What the list of a shard's groups takes.
void weigh_here(GroupCoordinators& coordinators, std::size_t& bytes) {
  ErrorCode ignored = ErrorCode::none;
  for (const std::shared_ptr<HostedGroups>& hosted : coordinators.all(ignored)) {
    bytes += hosted->machine().group_count() * kGroupBytes + 3 * hosted->machine().name_bytes();
  }
}

/// Those that this shard coordinates, as they are now. What is listed need not be committed: nobody builds on it.
asio::awaitable<void> list_here(GroupCoordinators& coordinators, Loop& loop, Found& found) {
  ErrorCode error = ErrorCode::none;
  for (const std::shared_ptr<HostedGroups>& hosted : coordinators.all(error)) {
    for (ListedGroup& group : hosted->machine().list()) found.groups.push_back(std::move(group));
    if (hosted->machine().group_count() > kListedAtOnce) co_await let_others_go_on(loop);
  }
  if (found.error == ErrorCode::none) found.error = error;
}

}  // namespace

/// ListGroups (key 16): those that this broker coordinates. Names of states and types are taken in any case.
Handle handle_list_groups(HandlerContext context, Request request, SendQueue& to) {
  proto::ListGroupsRequest message;
  const std::int16_t version = request.header.api_version;
  if (!decode(request.body, version, message)) co_return refuse_unreadable(context, "ListGroups");
  const std::vector<std::string> states = version >= kFirstWithStates ? to_filter(message.states_filter) : std::vector<std::string>();
  const std::vector<std::string> types = version >= kFirstWithTypes ? to_filter(message.types_filter) : std::vector<std::string>();
  Found found;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < context.node.shards.size(); ++i) {
    Job weigh = [&bytes, &groups = *context.node.groups[i]] { weigh_here(groups, bytes); };
    co_await run_on(context.node.shards[i]->shard.loop(), context.loop(), std::move(weigh));
  }
  if (!co_await take_for_answer(context, bytes)) co_return Outcome::close;
  for (std::size_t i = 0; i < context.node.shards.size(); ++i) {
    Loop& there = context.node.shards[i]->shard.loop();
    co_await await_on(there, context.loop(), list_here(*context.node.groups[i], there, found));
  }
  std::vector<proto::ListGroupsResponse::ListedGroup> listed;
  for (const ListedGroup& group : found.groups) {
    if (!lets_through(states, group.state) || !lets_through(types, group.type)) continue;
    listed.push_back({.group_id = group.name, .protocol_type = group.protocol_type, .group_state = group.state, .group_type = group.type});
  }
  proto::ListGroupsResponse response;
  response.error_code = code(found.error);
  response.groups = listed;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
