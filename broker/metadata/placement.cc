#include "broker/metadata/placement.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tidelog::broker {

std::vector<std::vector<NodeId>> place(std::span<const NodeId> brokers, std::size_t count, std::size_t replication_factor,
                                       std::size_t start) {
  const std::size_t others = brokers.size() - 1;
  std::vector<std::vector<NodeId>> placed(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t leader = (start % brokers.size() + i) % brokers.size();
    const std::size_t round = i / brokers.size();
    placed[i].reserve(replication_factor);
    placed[i].push_back(brokers[leader]);
    for (std::size_t follower = 0; follower + 1 < replication_factor; ++follower) {
      placed[i].push_back(brokers[(leader + 1 + (round + follower) % others) % brokers.size()]);
    }
  }
  return placed;
}

bool are_replicas(std::span<const NodeId> brokers, std::span<const NodeId> nodes) {
  const std::set<NodeId> distinct(nodes.begin(), nodes.end());
  const auto is_broker = [&](NodeId id) { return std::ranges::find(brokers, id) != brokers.end(); };
  return !nodes.empty() && distinct.size() == nodes.size() && std::ranges::all_of(distinct, is_broker);
}

PartitionRecord new_partition(PartitionIndex index, std::vector<NodeId> replicas) {
  PartitionRecord partition{.index = index, .isr = replicas, .leader = replicas.front()};
  partition.replicas = std::move(replicas);
  return partition;
}

DirectoryPicker::DirectoryPicker(const Image& image, const DirectoryChoice& choice) : broker_(choice.broker) {
  for (const Uuid& directory : choice.directories) counts_.emplace_back(directory, image.partitions_in(directory));
}

Uuid DirectoryPicker::next() {
  auto& [directory, count] = *std::ranges::min_element(counts_, {}, &std::pair<Uuid, std::size_t>::second);
  ++count;
  return directory;
}

void DirectoryPicker::place(PartitionRecord& partition) {
  const auto mine = std::ranges::find(partition.replicas, broker_);
  if (counts_.empty() || mine == partition.replicas.end()) return;
  partition.directories.resize(partition.replicas.size());
  partition.directories[static_cast<std::size_t>(mine - partition.replicas.begin())] = next();
}

}  // namespace tidelog::broker
