#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handler.h"
#include "proto/messages/describe_cluster_request.h"
#include "proto/messages/describe_cluster_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::int8_t kBrokers = 1;

}  // namespace

/// DescribeCluster (key 60; KIP-700).
Handle handle_describe_cluster(HandlerContext context, Request request, SendQueue& to) {
  proto::DescribeClusterRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeCluster request could not be read");
    co_return Outcome::close;
  }
  proto::DescribeClusterResponse response;
  const std::vector<ClusterMember> members = cluster_members(context);
  std::vector<proto::DescribeClusterResponse::DescribeClusterBroker> brokers;
  if (message.endpoint_type != kBrokers) {
    const bool is_known = message.endpoint_type == 2;
    response.error_code = static_cast<std::int16_t>(is_known ? ErrorCode::mismatched_endpoint_type : ErrorCode::unsupported_endpoint_type);
    response.error_message = "this listener serves brokers: ask with endpoint type 1";
  } else {
    for (const ClusterMember& member : members) {
      brokers.push_back(
          {.broker_id = member.id.value, .host = member.address.host, .port = member.address.port, .rack = member.rack_or_null()});
    }
    response.cluster_id = context.image().cluster_id();
    response.controller_id = context.node.id.value;
    response.brokers = std::span<const proto::DescribeClusterResponse::DescribeClusterBroker>(brokers);
    if (message.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
