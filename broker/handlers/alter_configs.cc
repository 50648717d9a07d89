#include "broker/handlers/config_admin.h"
#include "proto/messages/alter_configs_request.h"
#include "proto/messages/alter_configs_response.h"
#include "proto/messages/incremental_alter_configs_request.h"
#include "proto/messages/incremental_alter_configs_response.h"

#include <vector>

// Both requests list changes of resources; only the incremental one says of each what is to be done.

namespace tidelog::broker {
namespace {

template <class Message>
std::size_t count_items(const Message& message) {
  std::size_t items = message.resources.size();
  for (const auto& resource : message.resources) items += resource.configs.size();
  return items;
}

template <class Config>
ConfigChange to_change(const Config& asked) {
  ConfigChange change{.key = std::string(asked.name)};
  if constexpr (requires { asked.config_operation; }) change.operation = asked.config_operation;
  if (!proto::is_null(asked.value)) change.value = asked.value;
  return change;
}

template <class Message>
std::vector<ResourceChange> to_changes(const Message& message) {
  std::vector<ResourceChange> changes;
  for (const auto& asked : message.resources) {
    ResourceChange& change = changes.emplace_back(ResourceChange{.type = asked.resource_type, .name = std::string(asked.resource_name)});
    for (const auto& config : asked.configs) change.changes.push_back(to_change(config));
  }
  return changes;
}

template <class Response>
void respond_with(const Request& request, const std::vector<ResourceChange>& changes, const std::vector<ConfigVerdict>& verdicts,
                  SendQueue& to) {
  Response response;
  std::vector<std::remove_cvref_t<decltype(*response.responses.begin())>> results;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    auto& result = results.emplace_back();
    result.error_code = static_cast<std::int16_t>(verdicts[i].error);
    result.error_message = verdicts[i].message.empty() ? std::string_view() : std::string_view(verdicts[i].message);
    result.resource_type = changes[i].type;
    result.resource_name = changes[i].name;
  }
  response.responses = results;
  respond(request, response, to);
}

template <class Message, class Response>
Handle alter(HandlerContext context, Request request, SendQueue& to, bool replaces) {
  Message message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a request to alter configs could not be read");
    co_return Outcome::close;
  }
  if (count_items(message) > kMostConfigItems) {
    context.connection.note_close_reason("it changed too many configs at once", Limit::one_request);
    co_return Outcome::close;
  }
  const std::vector<ResourceChange> changes = to_changes(message);
  const std::vector<ConfigVerdict> verdicts = co_await alter_configs(context, changes, replaces, message.validate_only);
  respond_with<Response>(request, changes, verdicts, to);
  co_return Outcome::keep;
}

}  // namespace

/// AlterConfigs (key 33): the configs given become all that a resource has. What changed is in force on every shard when the answer leaves.
Handle handle_alter_configs(HandlerContext context, Request request, SendQueue& to) {
  return alter<proto::AlterConfigsRequest, proto::AlterConfigsResponse>(context, std::move(request), to, true);
}

/// IncrementalAlterConfigs (key 44). What changed is in force on every shard when the answer leaves.
Handle handle_incremental_alter_configs(HandlerContext context, Request request, SendQueue& to) {
  return alter<proto::IncrementalAlterConfigsRequest, proto::IncrementalAlterConfigsResponse>(context, std::move(request), to, false);
}

}  // namespace tidelog::broker
