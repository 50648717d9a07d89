#include "broker/handlers/admission.h"
#include "broker/handlers/config_admin.h"
#include "proto/messages/list_config_resources_request.h"
#include "proto/messages/list_config_resources_response.h"

#include <algorithm>
#include <set>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::ListConfigResourcesResponse;
using Resource = ListConfigResourcesResponse::ConfigResource;

constexpr std::int8_t kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32;
constexpr std::array kTypes{kTopic, kBroker, kBrokerLogger, kClientMetrics, kGroup};

/// What a name comes to, laid out and written.
constexpr std::size_t kResourceBytes = sizeof(Resource) + 256;

/// What was asked for; nothing means every type. Version 0 asks for client metrics without saying so.
std::set<std::int8_t> types_asked(const proto::ListConfigResourcesRequest& message, std::int16_t version) {
  if (version == 0) return {kClientMetrics};
  std::set<std::int8_t> types;
  for (const std::int8_t type : message.resource_types) types.insert(type);
  return types.empty() ? std::set<std::int8_t>(kTypes.begin(), kTypes.end()) : types;
}

/// Names live in `image` and `self`.
std::vector<Resource> resources_of(const Image& image, const std::set<std::int8_t>& types, const std::string& self) {
  std::vector<Resource> found;
  if (types.contains(kTopic)) {
    for (const auto& [name, topic] : image.topics()) found.push_back({.resource_name = name, .resource_type = kTopic});
  }
  for (const std::int8_t type : {kBroker, kBrokerLogger}) {
    if (types.contains(type)) found.push_back({.resource_name = self, .resource_type = type});
  }
  for (const auto& [resource, configs] : image.resource_configs()) {
    const auto type = static_cast<std::int8_t>(resource.scope);
    if (type != kBroker && types.contains(type)) found.push_back({.resource_name = resource.name, .resource_type = type});
  }
  return found;
}

}  // namespace

/// ListConfigResources (KIP-1142, key 74).
Handle handle_list_config_resources(HandlerContext context, Request request, SendQueue& to) {
  proto::ListConfigResourcesRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a ListConfigResources request could not be read");
    co_return Outcome::close;
  }
  const std::set<std::int8_t> types = types_asked(message, request.header.api_version);
  const std::string self = std::to_string(context.node.id.value);
  const bool are_known = std::ranges::all_of(types, [](std::int8_t type) { return std::ranges::find(kTypes, type) != kTypes.end(); });
  const std::shared_ptr<const Image> image = context.here.image;  // Held: shards swap theirs, and the names are its.
  const std::size_t most = image->topics().size() + image->resource_configs().size();
  if (!co_await take_for_answer(context, most * kResourceBytes)) co_return Outcome::close;
  std::vector<Resource> found;
  if (are_known) found = resources_of(*image, types, self);
  ListConfigResourcesResponse response;
  response.error_code = static_cast<std::int16_t>(are_known ? ErrorCode::none : ErrorCode::unsupported_version);
  response.config_resources = found;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
