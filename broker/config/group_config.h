#pragma once

#include "broker/config/broker_options.h"
#include "broker/config/topic_config.h"

#include <cstdint>

namespace tidelog::broker {

/// What a consumer group goes by that may have settings of its own: those, else the broker's. Members are named like their keys.
struct GroupConfig {
  std::int32_t consumer_session_timeout_ms = 45000;
  std::int32_t consumer_heartbeat_interval_ms = 5000;
  std::int32_t consumer_assignment_interval_ms = 1000;

  bool operator==(const GroupConfig&) const = default;
};

/// A value that does not validate is skipped. One beyond the broker's bounds counts as the bound (KIP-1240): the bounds may have been
/// narrowed since it was set, and what was set is kept and told as it is. Should that leave a session no longer than a heartbeat, the
/// broker's own two hold.
GroupConfig resolve_group_config(const BrokerOptions& options, const ConfigMap& overrides);

/// Whether the broker's own values for consumer groups lie within its bounds, and a session is longer than a heartbeat: what a group that
/// sets nothing goes by must be something that it could set.
Result<void, ConfigError> check_group_bounds(const BrokerOptions& options);

}  // namespace tidelog::broker
