#include "broker/group/embedded.h"

#include <algorithm>

namespace tidelog::broker {

PartitionSet find_partitions(const std::vector<proto::NamedPartitions>& named, const TopicsView& topics) {
  PartitionSet found;
  for (const proto::NamedPartitions& topic : named) {
    const std::optional<TopicFacts> facts = topics.find(topic.topic);
    if (!facts) continue;
    for (const std::int32_t index : topic.partitions) {
      if (index >= 0) found.push_back({.topic_id = facts->id, .partition = PartitionIndex{index}});
    }
  }
  std::ranges::sort(found);
  const auto rest = std::ranges::unique(found);
  found.erase(rest.begin(), rest.end());
  return found;
}

OwnedBytes embed_assignment(std::span<const HeldPartition> partitions, const OwnedBytes& subscription, const TopicsView& topics) {
  const Result<proto::ConsumerSubscription> said = proto::decode_subscription(subscription);
  proto::ConsumerAssignment assignment{
      .version = said ? said->version : proto::kConsumerProtocolVersion, .partitions = {}, .user_data = std::nullopt};
  for (const auto& [id, indexes] : by_topic(partitions)) {
    if (const std::optional<TopicFacts> facts = topics.find(id)) {
      assignment.partitions.push_back({.topic = std::string(facts->name), .partitions = indexes});
    }
  }
  return proto::encode_assignment(assignment);
}

std::vector<ConsumerMemberRecord::ClassicProtocol> to_stored(std::span<const ClassicProtocol> protocols) {
  std::vector<ConsumerMemberRecord::ClassicProtocol> stored;
  for (const ClassicProtocol& one : protocols) stored.push_back({.name = one.name, .metadata = one.metadata});
  return stored;
}

std::vector<ClassicProtocol> from_stored(std::span<const ConsumerMemberRecord::ClassicProtocol> protocols) {
  std::vector<ClassicProtocol> known;
  for (const ConsumerMemberRecord::ClassicProtocol& one : protocols) known.push_back({.name = one.name, .metadata = one.metadata});
  return known;
}

}  // namespace tidelog::broker
