#include "client/group/embedded.h"

#include "proto/codec/consumer_protocol.h"

#include <map>

namespace tidelog::core {
namespace {

/// The newest that adds something we say: what is owned came with 1, of which generation it is with 2, the rack with 3.
constexpr std::int16_t kSubscriptionVersion = 3, kAssignmentVersion = 1;
constexpr std::int16_t kFirstWithGeneration = 2;

/// The user data of cooperative-sticky: a generation, the high byte first.
proto::OwnedBytes to_user_data(std::int32_t generation) {
  const auto bits = static_cast<std::uint32_t>(generation);
  proto::OwnedBytes data;
  for (const int shift : {24, 16, 8, 0}) data.push_back(static_cast<std::byte>(bits >> shift));
  return data;
}

std::int32_t from_user_data(const std::optional<proto::OwnedBytes>& data) {
  if (!data || data->size() != sizeof(std::int32_t)) return -1;
  std::uint32_t bits = 0;
  for (const std::byte byte : *data) bits = bits << 8 | std::to_integer<std::uint32_t>(byte);
  return static_cast<std::int32_t>(bits);
}

std::vector<proto::NamedPartitions> by_topic(const std::vector<topic_partition>& partitions) {
  std::map<std::string_view, std::vector<std::int32_t>> grouped;
  for (const topic_partition& each : partitions) grouped[each.topic()].push_back(each.partition());
  std::vector<proto::NamedPartitions> topics;
  for (auto& [topic, indexes] : grouped) topics.push_back({.topic = std::string(topic), .partitions = std::move(indexes)});
  return topics;
}

std::vector<topic_partition> flatten(const std::vector<proto::NamedPartitions>& topics) {
  std::vector<topic_partition> all;
  for (const proto::NamedPartitions& topic : topics) {
    for (const std::int32_t index : topic.partitions) all.emplace_back(topic.topic, index);
  }
  return all;
}

}  // namespace

std::vector<std::byte> write_subscription(const Subscription& subscription, bool repeats_generation) {
  return proto::encode_subscription({.version = kSubscriptionVersion,
                                     .topics = subscription.topics,
                                     .user_data = repeats_generation ? std::optional(to_user_data(subscription.generation)) : std::nullopt,
                                     .owned = by_topic(subscription.owned),
                                     .generation = subscription.generation,
                                     .rack_id = subscription.rack.empty() ? std::nullopt : std::optional(subscription.rack)});
}

Subscription read_subscription(Bytes blob) {
  Result<proto::ConsumerSubscription> read = proto::decode_subscription(blob);
  if (!read) return {};
  const std::int32_t generation = read->version < kFirstWithGeneration ? from_user_data(read->user_data) : read->generation;
  return {.topics = std::move(read->topics),
          .owned = flatten(read->owned),
          .generation = generation,
          .rack = std::move(read->rack_id).value_or("")};
}

std::vector<std::byte> write_assignment(const std::vector<topic_partition>& partitions) {
  return proto::encode_assignment({.version = kAssignmentVersion, .partitions = by_topic(partitions), .user_data = {}});
}

std::vector<topic_partition> read_assignment(Bytes blob) {
  const Result<proto::ConsumerAssignment> read = proto::decode_assignment(blob);
  return read ? flatten(read->partitions) : std::vector<topic_partition>();
}

}  // namespace tidelog::core
