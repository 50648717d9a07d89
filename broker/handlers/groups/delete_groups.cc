#include "broker/handlers/groups/ask_coordinator.h"
#include "broker/handlers/groups/distinct.h"
#include "proto/messages/delete_groups_request.h"
#include "proto/messages/delete_groups_response.h"

namespace tidelog::broker {
namespace {

struct Deleted {
  std::string name;
  ErrorCode error = ErrorCode::none;
};

asio::awaitable<void> remove(HandlerContext context, Deleted& group) {
  const auto forget = [&group](GroupMachine& machine, Step& step) { return machine.delete_group(group.name, step); };
  const std::pair<ErrorCode, ErrorCode> outcome = co_await ask_coordinator<ErrorCode>(context, group.name, forget);
  group.error = outcome.first != ErrorCode::none ? outcome.first : outcome.second;
}

std::string_view why(ErrorCode error) {
  switch (error) {
    case ErrorCode::non_empty_group: return "the group has members: stop them, or have them leave, and delete it then";
    case ErrorCode::group_id_not_found: return "there is no such group";
    default: return {};
  }
}

}  // namespace

/// DeleteGroups (key 42): groups without members, and all that they committed.
Handle handle_delete_groups(HandlerContext context, Request request, SendQueue& to) {
  proto::DeleteGroupsRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "DeleteGroups");
  std::vector<Deleted> groups;
  for (const std::string_view name : distinct(message.groups_names)) groups.emplace_back().name = name;
  for (Deleted& group : groups) co_await remove(context, group);
  std::vector<proto::DeleteGroupsResponse::DeletableGroupResult> results;
  for (const Deleted& group : groups) {
    results.push_back({.group_id = group.name, .error_code = code(group.error), .error_message = why(group.error)});
  }
  proto::DeleteGroupsResponse response;
  response.results = results;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
