#include "broker/handlers/handler.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/api_versions_response.h"

#include <algorithm>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::ApiVersionsRequest;
using proto::ApiVersionsResponse;

/// What a cluster agrees on beyond the versions of single requests (KIP-584). Clients show it, and act on none of it: those that would
/// change what they do, transaction.version and group.version, come with what they stand for.
constexpr std::string_view kMetadataVersion = "metadata.version";
constexpr std::int16_t kMetadataLevel = 33;  ///< Kafka 4.4, whose requests are served. Fixed: there is no other to go to.
/// Of what a client calls itself: thousands of them stay connected.
constexpr std::size_t kKeptNameBytes = 64;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// KIP-511: letters and digits, with dashes and dots inside.
bool is_valid_software_name(std::string_view text) {
  if (text.empty() || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

ApiVersionsResponse::ApiVersion entry(const proto::ApiInfo& api) {
  return {.api_key = api.key, .min_version = api.min_version, .max_version = api.max_version};
}

/// KIP-1242: what is wrong with the cluster and node the client believes to have reached; they may have had this address once.
ErrorCode check_destination(const HandlerContext& context, const ApiVersionsRequest& message) {
  const bool names_cluster = !proto::is_null(message.cluster_id);
  const bool names_node = message.node_id >= 0;
  if (names_cluster != names_node) return ErrorCode::invalid_request;
  if (!names_cluster) return ErrorCode::none;
  const bool is_here = message.cluster_id == context.image().cluster_id() && message.node_id == context.node.id.value;
  return is_here ? ErrorCode::none : ErrorCode::rebootstrap_required;
}

/// The one answer every client can read, whatever it asked: version 0, naming the versions of ApiVersions alone.
void respond_downlevel(Request request, SendQueue& to) {
  const std::vector<ApiVersionsResponse::ApiVersion> own{entry(*proto::find_api(request.header.api_key))};
  ApiVersionsResponse response;
  response.error_code = static_cast<std::int16_t>(ErrorCode::unsupported_version);
  response.api_keys = std::span<const ApiVersionsResponse::ApiVersion>(own);
  request.header.api_version = 0;
  respond(request, response, to);
}

}  // namespace

Handle handle_api_versions(HandlerContext context, Request request, SendQueue& to) {
  const std::int16_t version = request.header.api_version;
  if (version < ApiVersionsRequest::kMinVersion || version > ApiVersionsRequest::kMaxVersion) {
    respond_downlevel(std::move(request), to);
    co_return Outcome::keep;
  }
  ApiVersionsRequest message;
  if (!decode(request.body, version, message)) {
    context.connection.note_close_reason("an ApiVersions request could not be read");
    co_return Outcome::close;
  }
  ApiVersionsResponse response;
  std::vector<ApiVersionsResponse::ApiVersion> apis;
  std::vector<ApiVersionsResponse::SupportedFeatureKey> supported;
  std::vector<ApiVersionsResponse::FinalizedFeatureKey> finalized;
  const bool names_client = version >= 3;
  if (names_client && (!is_valid_software_name(message.client_software_name) || !is_valid_software_name(message.client_software_version))) {
    response.error_code = static_cast<std::int16_t>(ErrorCode::invalid_request);
  } else if (const ErrorCode error = check_destination(context, message); error != ErrorCode::none) {
    response.error_code = static_cast<std::int16_t>(error);
  } else {
    context.connection.client().software_name = message.client_software_name.substr(0, kKeptNameBytes);
    context.connection.client().software_version = message.client_software_version.substr(0, kKeptNameBytes);
    for (const proto::ApiInfo& api : proto::served_apis()) apis.push_back(entry(api));
    supported.push_back({.name = kMetadataVersion, .min_version = kMetadataLevel, .max_version = kMetadataLevel});
    finalized.push_back({.name = kMetadataVersion, .max_version_level = kMetadataLevel, .min_version_level = kMetadataLevel});
    response.finalized_features_epoch = 0;
  }
  response.supported_features = std::span<const ApiVersionsResponse::SupportedFeatureKey>(supported);
  response.finalized_features = std::span<const ApiVersionsResponse::FinalizedFeatureKey>(finalized);
  response.api_keys = std::span<const ApiVersionsResponse::ApiVersion>(apis);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
