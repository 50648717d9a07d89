#include "client/core/metadata.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// More than any cluster has; a hostile index must not size an array.
constexpr std::int32_t kMaxPartitions = 1'000'000;

std::vector<std::int32_t> to_vector(const proto::Array<std::int32_t>& nodes) {
  std::vector<std::int32_t> all;
  for (const std::int32_t node : nodes) all.push_back(node);
  return all;
}

std::shared_ptr<const TopicMetadata> read_topic(const proto::MetadataResponse::MetadataResponseTopic& from, const TopicMetadata* known) {
  auto topic = std::make_shared<TopicMetadata>();
  topic->name = from.name;
  topic->id = from.topic_id;
  topic->is_internal = from.is_internal;
  topic->error_code = from.error_code;
  const bool is_same = known != nullptr && known->id == topic->id;
  for (const auto& partition : from.partitions) {
    // Indexes are dense, so one beyond the count of entries is a lie.
    const std::int32_t index = partition.partition_index;
    if (index < 0 || index >= kMaxPartitions || static_cast<std::size_t>(index) >= from.partitions.size()) continue;
    const auto at = static_cast<std::size_t>(index);
    if (at >= topic->partitions.size()) topic->partitions.resize(at + 1);
    const bool is_stale = is_same && at < known->partitions.size() && partition.leader_epoch < known->partitions[at].leader_epoch;
    PartitionMetadata& entry = topic->partitions[at];
    entry = {.leader = partition.leader_id,
             .leader_epoch = partition.leader_epoch,
             .error_code = partition.error_code,
             .replicas = to_vector(partition.replica_nodes),
             .in_sync = to_vector(partition.isr_nodes)};
    if (!is_stale) continue;
    entry.leader = known->partitions[at].leader;
    entry.leader_epoch = known->partitions[at].leader_epoch;
  }
  return topic;
}

}  // namespace

std::int32_t Metadata::leader_of(std::string_view name, std::int32_t partition) const {
  const auto found = topic(name);
  if (!found || partition < 0 || static_cast<std::size_t>(partition) >= found->partitions.size()) return -1;
  return found->partitions[static_cast<std::size_t>(partition)].leader;
}

std::shared_ptr<const Metadata> merge(const Metadata& old, const proto::MetadataResponse& answer, bool is_about_all) {
  auto next = std::make_shared<Metadata>();
  next->cluster_id = answer.cluster_id;
  next->controller = answer.controller_id;
  for (const auto& broker : answer.brokers) {
    if (broker.port <= 0 || broker.port > 65'535) continue;
    next->brokers[broker.node_id] = {.host = std::string(broker.host), .port = static_cast<std::uint16_t>(broker.port)};
  }
  if (!is_about_all) next->topics = old.topics;
  next->has_all_topics = is_about_all || old.has_all_topics;
  for (const auto& topic : answer.topics) {
    const auto known = old.topic(topic.name);
    // A topic that cannot be described now keeps its partitions: whoever sends to them finds out, and asks again.
    const bool is_passing =
        topic.error_code != 0 && topic.partitions.empty() && known && !known->partitions.empty() && topic.error_code == 5;
    next->topics[std::string(topic.name)] = is_passing ? known : read_topic(topic, known.get());
  }
  return next;
}

}  // namespace tidelog::core
