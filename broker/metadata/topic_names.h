#pragma once

#include <string>
#include <string_view>

namespace tidelog::broker {

/// Why `name` cannot be a topic's, as a sentence; empty if it can. Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], and neither "." nor "..".
std::string topic_name_problem(std::string_view name);

/// '.' and '_' look alike in metric names, so Kafka refuses a second topic that differs only there.
std::string metric_form(std::string_view name);
/// Whether another name can have the same metric form.
bool has_lookalikes(std::string_view name);

/// Topics the broker keeps for itself; clients do not make them.
bool is_reserved_topic(std::string_view name);
bool is_internal_topic(std::string_view name);

inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

}  // namespace tidelog::broker
