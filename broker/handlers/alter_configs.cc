#include "broker/handlers/config_admin.h"
#include "proto/messages/alter_configs_request.h"
#include "proto/messages/alter_configs_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

using proto::AlterConfigsRequest;
using proto::AlterConfigsResponse;

std::size_t count_items(const AlterConfigsRequest& message) {
  std::size_t items = message.resources.size();
  for (const auto& resource : message.resources) items += resource.configs.size();
  return items;
}

ResourceChange to_change(const AlterConfigsRequest::AlterConfigsResource& asked) {
  ResourceChange change{.type = asked.resource_type, .name = std::string(asked.resource_name)};
  for (const auto& config : asked.configs) {
    ConfigChange& one = change.changes.emplace_back();
    one.key = config.name;
    if (!proto::is_null(config.value)) one.value = config.value;
  }
  return change;
}

}  // namespace

/// AlterConfigs (key 33): the configs given become all that a resource has. What changed is in force on every shard when the answer leaves.
Handle handle_alter_configs(HandlerContext context, Request request, SendQueue& to) {
  AlterConfigsRequest message;
  if (!decode(request.body, request.header.api_version, message) || count_items(message) > kMostConfigItems) {
    context.connection.note_close_reason("an AlterConfigs request could not be read, or changes too much at once");
    co_return Outcome::close;
  }
  std::vector<ResourceChange> changes;
  for (const auto& asked : message.resources) changes.push_back(to_change(asked));
  const std::vector<ConfigVerdict> verdicts = co_await alter_configs(context, changes, true, message.validate_only);

  std::vector<AlterConfigsResponse::AlterConfigsResourceResponse> results;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    auto& result = results.emplace_back();
    result.error_code = static_cast<std::int16_t>(verdicts[i].error);
    result.error_message = verdicts[i].message.empty() ? std::string_view() : std::string_view(verdicts[i].message);
    result.resource_type = changes[i].type;
    result.resource_name = changes[i].name;
  }
  AlterConfigsResponse response;
  response.responses = results;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
