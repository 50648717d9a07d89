#include "cli/doctor/cluster_view.h"

#include <algorithm>

namespace tidelog::cli {
namespace {

PartitionView partition_of(const proto::MetadataResponse::MetadataResponsePartition& from) {
  return {.index = from.partition_index,
          .leader = from.leader_id,
          .error_code = from.error_code,
          .replicas = from.replica_nodes.size(),
          .in_sync = from.isr_nodes.size(),
          .offline = from.offline_replicas.size()};
}

}  // namespace

ClusterView view_of(const proto::MetadataResponse& answer) {
  ClusterView view{.id = std::string(answer.cluster_id), .controller = answer.controller_id};
  for (const auto& broker : answer.brokers)
    view.brokers.push_back({.id = broker.node_id, .host = std::string(broker.host), .port = broker.port});
  for (const auto& from : answer.topics) {
    TopicView& topic = view.topics.emplace_back();
    topic.name = from.name;
    topic.error_code = from.error_code;
    for (const auto& partition : from.partitions) topic.partitions.push_back(partition_of(partition));
    std::ranges::sort(topic.partitions, {}, &PartitionView::index);
  }
  return view;
}

}  // namespace tidelog::cli
