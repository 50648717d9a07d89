#pragma once

#include "broker/config/broker_options.h"
#include "broker/config/topic_config.h"

#include <string>
#include <string_view>

namespace tidelog::broker {

/// A broker's keys, layer over layer: what was set for it while it ran, what was set for all brokers, what it was started with, defaults.
struct BrokerLayers {
  const ConfigMap& own;
  const ConfigMap& for_all;
  const BrokerOptions& started;
  const BrokerOptions& in_force;  ///< What the layers come to: `resolve_broker_options` of the others.
};

/// A value that does not validate, or belongs to a key that cannot change in a running broker, is skipped: records of a later version must
/// not keep a broker from starting.
BrokerOptions resolve_broker_options(const BrokerOptions& started, const ConfigMap& for_all, const ConfigMap& own);

/// Whether these may be the dynamic configs of one broker, or of all of them. Keys nobody knows may be: Kafka leaves them to plugins.
Result<void, ConfigError> validate_broker_configs(const ConfigMap& configs, bool is_for_all);

/// What lists are made of, for APPEND and SUBTRACT.
bool is_broker_list(std::string_view key);
bool is_topic_list(std::string_view key);

}  // namespace tidelog::broker
