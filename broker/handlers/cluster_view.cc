#include "broker/handlers/cluster_view.h"

namespace tidelog::broker {

std::vector<ClusterMember> cluster_members(const HandlerContext& context) {
  std::vector<ClusterMember> members;
  for (const auto& [id, broker] : context.image().brokers()) {
    ClusterMember& member = members.emplace_back();
    member.id = id;
    member.rack = broker.rack;
    if (id == context.node.id) {
      member.address = address_for(context);
    } else if (!broker.listeners.empty()) {
      member.address = {.host = broker.listeners.front().host, .port = broker.listeners.front().port};
    }
  }
  return members;
}

std::size_t count_partitions(const Image& image) {
  std::size_t count = 0;
  for (const auto& [name, topic] : image.topics()) count += topic->partitions.size();
  return count;
}

Leadership leadership_of(const HandlerContext& context, const PartitionImage& partition) {
  static const std::vector<NodeId> kNone;
  const std::vector<NodeId>& self = context.node.self;
  if (is_dir_online(context.here, partition, self.front())) return {.leader = partition.leader, .offline = &kNone};
  return {.leader = partition.leader == self.front() ? NodeId{-1} : partition.leader, .offline = &self};
}

}  // namespace tidelog::broker
