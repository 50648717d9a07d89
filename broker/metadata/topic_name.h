#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidelog::broker {

inline constexpr std::size_t kMaxTopicNameBytes = 249;

/// What is wrong with a topic name, or nothing: 1 to 249 of [a-zA-Z0-9._-], not "." nor "..". Such a name is safe in a path.
/// Metadata, Produce and CreateTopics answer INVALID_TOPIC_EXCEPTION otherwise.
std::optional<std::string> topic_name_fault(std::string_view name);

/// Topics that only brokers write to by themselves, as Metadata flags them.
bool is_internal_topic(std::string_view name);

/// Kafka refuses names that differ only in '.' and '_', because metric names merge the two. Equal keys collide; empty: cannot collide.
std::string collision_key(std::string_view name);

}  // namespace tidelog::broker
