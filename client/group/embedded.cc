#include "client/group/embedded.h"

#include "proto/base/endian.h"
#include "proto/codec/interpreter.h"
#include "proto/codec/output.h"
#include "proto/messages/consumer_protocol_assignment.h"
#include "proto/messages/consumer_protocol_subscription.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tidelog::core {
namespace {

/// The newest that adds something we say: what is owned came with 1, of which generation it is with 2.
constexpr std::int16_t kSubscriptionVersion = 2, kAssignmentVersion = 1, kLastVersion = 3;

using ByTopic = std::map<std::string_view, std::vector<std::int32_t>>;

ByTopic by_topic(const std::vector<topic_partition>& partitions) {
  ByTopic grouped;
  for (const topic_partition& each : partitions) grouped[each.topic()].push_back(each.partition());
  return grouped;
}

template <class Entry>
std::vector<Entry> entries_of(const ByTopic& grouped) {
  std::vector<Entry> entries;
  for (const auto& [topic, indexes] : grouped) entries.push_back({.topic = topic, .partitions = indexes});
  return entries;
}

template <class Entries>
std::vector<topic_partition> flatten(const Entries& entries) {
  std::vector<topic_partition> all;
  for (const auto& topic : entries) {
    for (const std::int32_t index : topic.partitions) all.emplace_back(std::string(topic.topic), index);
  }
  return all;
}

template <class Message>
std::vector<std::byte> write(const Message& message, std::int16_t version) {
  proto::Output out;
  out.put(version);
  proto::encode(message, version, out);
  const Bytes bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

template <class Message>
std::optional<Message> read(Bytes blob) {
  if (blob.size() < sizeof(std::int16_t)) return std::nullopt;
  const auto version = std::min(load_be<std::int16_t>(blob.data()), kLastVersion);
  Message message;
  if (version < 0 || !proto::decode(blob.subspan(sizeof(std::int16_t)), version, message)) return std::nullopt;
  return message;
}

}  // namespace

std::vector<std::byte> write_subscription(const Subscription& subscription) {
  using Message = proto::ConsumerProtocolSubscription;
  const std::vector<std::string_view> topics(subscription.topics.begin(), subscription.topics.end());
  const ByTopic grouped = by_topic(subscription.owned);
  const auto owned = entries_of<Message::TopicPartition>(grouped);
  Message message;
  message.topics = topics;
  message.owned_partitions = owned;
  message.generation_id = subscription.generation;
  return write(message, kSubscriptionVersion);
}

Subscription read_subscription(Bytes blob) {
  const auto message = read<proto::ConsumerProtocolSubscription>(blob);
  if (!message) return {};
  Subscription subscription{.topics = {}, .owned = flatten(message->owned_partitions), .generation = message->generation_id};
  for (const std::string_view topic : message->topics) subscription.topics.emplace_back(topic);
  return subscription;
}

std::vector<std::byte> write_assignment(const std::vector<topic_partition>& partitions) {
  using Message = proto::ConsumerProtocolAssignment;
  const ByTopic grouped = by_topic(partitions);
  const auto entries = entries_of<Message::TopicPartition>(grouped);
  Message message;
  message.assigned_partitions = entries;
  return write(message, kAssignmentVersion);
}

std::vector<topic_partition> read_assignment(Bytes blob) {
  const auto message = read<proto::ConsumerProtocolAssignment>(blob);
  return message ? flatten(message->assigned_partitions) : std::vector<topic_partition>();
}

}  // namespace tidelog::core
