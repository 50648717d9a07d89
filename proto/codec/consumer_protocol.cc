#include "proto/codec/consumer_protocol.h"

#include "proto/base/check.h"
#include "proto/messages/consumer_protocol_assignment.h"
#include "proto/messages/consumer_protocol_subscription.h"

#include <algorithm>

namespace tidelog::proto {
namespace {

/// Reads the message into `message`; returns the version that it was read as.
template <class Message>
Result<std::int16_t> decode_blob(Bytes blob, Message& message) {
  const Result<std::pair<Prefix, Bytes>> parts = split_prefix(blob);
  if (!parts || parts->first < 0) return Errc::corrupt;
  const std::int16_t version = std::min(parts->first, kConsumerProtocolVersion);
  if (const Result<void> decoded = decode(parts->second, version, message); !decoded) return decoded.error();
  return version;
}

template <class Topic>
std::vector<NamedPartitions> named(const Array<Topic>& topics) {
  std::vector<NamedPartitions> out;
  out.reserve(topics.size());
  for (const Topic& topic : topics) out.push_back({.topic = std::string(topic.topic), .partitions = numbers(topic.partitions)});
  return out;
}

template <class Topic>
std::vector<Topic> to_messages(const std::vector<NamedPartitions>& topics) {
  std::vector<Topic> out;
  out.reserve(topics.size());
  for (const NamedPartitions& topic : topics) out.push_back({.topic = topic.topic, .partitions = topic.partitions});
  return out;
}

bool is_known(std::int16_t version) { return version >= 0 && version <= kConsumerProtocolVersion; }

}  // namespace

Result<ConsumerSubscription> decode_subscription(Bytes blob) {
  ConsumerProtocolSubscription message;
  const Result<std::int16_t> version = decode_blob(blob, message);
  if (!version) return version.error();
  // Clients send an empty rack for none.
  const std::string_view rack = message.rack_id;
  return ConsumerSubscription{.version = *version,
                              .topics = texts(message.topics),
                              .user_data = owned_or_none(message.user_data),
                              .owned = named(message.owned_partitions),
                              .generation = message.generation_id,
                              .rack_id = rack.empty() ? std::nullopt : std::optional<std::string>(rack)};
}

Result<ConsumerAssignment> decode_assignment(Bytes blob) {
  if (blob.empty()) return ConsumerAssignment{};
  ConsumerProtocolAssignment message;
  const Result<std::int16_t> version = decode_blob(blob, message);
  if (!version) return version.error();
  return ConsumerAssignment{
      .version = *version, .partitions = named(message.assigned_partitions), .user_data = owned_or_none(message.user_data)};
}

OwnedBytes encode_subscription(const ConsumerSubscription& subscription) {
  CHECK(is_known(subscription.version));
  using Message = ConsumerProtocolSubscription;
  const std::vector<std::string_view> topics = views(subscription.topics);
  const auto owned = to_messages<Message::TopicPartition>(subscription.owned);
  const Message message{.topics = topics,
                        .user_data = bytes_or_null(subscription.user_data),
                        .owned_partitions = owned,
                        .generation_id = subscription.generation,
                        .rack_id = text_or_null(subscription.rack_id)};
  return with_version(message, subscription.version);
}

OwnedBytes encode_assignment(const ConsumerAssignment& assignment) {
  CHECK(is_known(assignment.version));
  using Message = ConsumerProtocolAssignment;
  const auto partitions = to_messages<Message::TopicPartition>(assignment.partitions);
  return with_version(Message{.assigned_partitions = partitions, .user_data = bytes_or_null(assignment.user_data)}, assignment.version);
}

}  // namespace tidelog::proto
