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

}  // namespace tidelog::broker
