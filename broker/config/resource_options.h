#pragma once

#include "broker/config/broker_options.h"
#include "broker/config/suggest.h"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tidelog::broker {

/// A key of something that is neither a broker nor a topic. Values are kept as they were given.
struct ResourceOption : OptionInfo {
  std::string_view synonym;  ///< The broker key with the default; empty if there is none.
};

std::span<const ResourceOption> group_options();
std::span<const ResourceOption> client_metrics_options();
/// Keys of users and clients, and of addresses: set as quotas, not as configs.
std::span<const ResourceOption> quota_options();
std::span<const ResourceOption> address_options();

/// Null if there is no such key.
const ResourceOption* find_resource_option(std::span<const ResourceOption> table, std::string_view key);

/// One key and value of a group or a client metrics subscription. Of a group's, the broker's own bounds count as well.
Result<void, ConfigError> validate_resource_config(const BrokerOptions& options, std::span<const ResourceOption> table,
                                                   std::string_view key, std::string_view value);
/// All of one resource. `suggestions` are those of the whole request.
Result<void, ConfigError> validate_resource_configs(const BrokerOptions& options, std::span<const ResourceOption> table,
                                                    const std::map<std::string, std::string>& configs, Suggestions& suggestions);

}  // namespace tidelog::broker
