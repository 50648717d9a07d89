#include "broker/config/group_config.h"

#include "broker/config/resource_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace tidelog::broker {
namespace {

/// A setting of consumer groups: its key for one group, the broker's value, and the broker's bounds.
struct Bounded {
  std::string_view key;
  std::int32_t BrokerOptions::* value;
  std::int32_t BrokerOptions::* low;
  std::int32_t BrokerOptions::* high;
  std::int32_t GroupConfig::* resolved;
};

using B = BrokerOptions;

constexpr Bounded kSettings[] = {
    {.key = "session.timeout.ms",
     .value = &B::group_consumer_session_timeout_ms,
     .low = &B::group_consumer_min_session_timeout_ms,
     .high = &B::group_consumer_max_session_timeout_ms,
     .resolved = &GroupConfig::consumer_session_timeout_ms},
    {.key = "heartbeat.interval.ms",
     .value = &B::group_consumer_heartbeat_interval_ms,
     .low = &B::group_consumer_min_heartbeat_interval_ms,
     .high = &B::group_consumer_max_heartbeat_interval_ms,
     .resolved = &GroupConfig::consumer_heartbeat_interval_ms},
    {.key = "assignment.interval.ms",
     .value = &B::group_consumer_assignment_interval_ms,
     .low = &B::group_consumer_min_assignment_interval_ms,
     .high = &B::group_consumer_max_assignment_interval_ms,
     .resolved = &GroupConfig::consumer_assignment_interval_ms},
};

/// What was set for the group; the broker's value if nothing was, or nothing that can be used.
std::int32_t stated(const Bounded& setting, const BrokerOptions& options, const ConfigMap& overrides) {
  const std::string key = fmt::format("consumer.{}", setting.key);
  const auto own = overrides.find(key);
  if (own == overrides.end()) return options.*setting.value;
  std::int32_t value = 0;
  const ValueResult read = parse_value(own->second, find_resource_option(group_options(), key)->rules, value);
  return read ? value : options.*setting.value;
}

/// Bounds that contradict each other cannot be met: the lower one counts.
std::int32_t within_bounds(const Bounded& setting, const BrokerOptions& options, std::int32_t value) {
  return std::max(std::min(value, options.*setting.high), options.*setting.low);
}

Result<void, ConfigError> check_bounds(const Bounded& setting, const BrokerOptions& options) {
  const auto broker_key = [&](std::string_view which) { return fmt::format("group.consumer.{}{}", which, setting.key); };
  const auto refuse = [&](std::string_view which, std::int32_t bound, std::string_view how) {
    return ConfigError{.key = broker_key(""),
                       .message = fmt::format("{}={} is {} {}={}", broker_key(""), options.*setting.value, how, broker_key(which), bound),
                       .hint = fmt::format("change {} as well, or keep to it", broker_key(which))};
  };
  const std::int32_t low = options.*setting.low;
  const std::int32_t high = options.*setting.high;
  if (options.*setting.value < low) return refuse("min.", low, "less than");
  if (options.*setting.value > high) return refuse("max.", high, "more than");
  return {};
}

}  // namespace

GroupConfig resolve_group_config(const BrokerOptions& options, const ConfigMap& overrides) {
  GroupConfig config;
  for (const Bounded& setting : kSettings) config.*setting.resolved = within_bounds(setting, options, stated(setting, options, overrides));
  if (config.consumer_session_timeout_ms <= config.consumer_heartbeat_interval_ms) {
    config.consumer_session_timeout_ms = options.group_consumer_session_timeout_ms;
    config.consumer_heartbeat_interval_ms = options.group_consumer_heartbeat_interval_ms;
  }
  return config;
}

Result<void, ConfigError> check_group_bounds(const BrokerOptions& options) {
  for (const Bounded& setting : kSettings) {
    if (Result<void, ConfigError> ok = check_bounds(setting, options); !ok) return ok;
  }
  if (options.group_consumer_session_timeout_ms > options.group_consumer_heartbeat_interval_ms) return {};
  return ConfigError{
      .key = "group.consumer.session.timeout.ms",
      .message = fmt::format("group.consumer.session.timeout.ms={} must be greater than group.consumer.heartbeat.interval.ms={}",
                             options.group_consumer_session_timeout_ms, options.group_consumer_heartbeat_interval_ms),
      .hint = "a member would be dropped before its next heartbeat is due"};
}

}  // namespace tidelog::broker
