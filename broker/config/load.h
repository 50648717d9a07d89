#pragma once

#include "broker/config/broker_options.h"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Where settings come from. A flag beats the environment, which beats the file, which beats the default.
struct OptionSources {
  std::string_view file_name;  ///< For messages.
  std::string_view file_text;
  std::span<const std::pair<std::string, std::string>> environment;
  std::span<const std::string> flags;  ///< KEY=VALUE each; the last one of a key counts.
};

/// Strict: an unknown key, a bad value or a line that is no property is an error, which says where and what was meant. In the environment
/// only TIDELOG_ names count, and of those nobody knows only near misses are errors: Kubernetes sets TIDELOG_SERVICE_HOST and its kin.
Result<BrokerOptions, ConfigError> merge_options(const OptionSources& sources);

/// `merge_options` over a file (none if `file_name` is empty), this process's environment and the flags.
Result<BrokerOptions, ConfigError> load_options(const std::string& file_name, std::span<const std::string> flags);

/// What whoever wrote the settings should know though they can be used, a line each: keys that nothing reads, by the reason
/// for it.
std::vector<std::string> load_notices(const BrokerOptions& options);

/// The environment variable of a key: `log.dirs` is TIDELOG_LOG_DIRS.
std::string environment_name(std::string_view key);

}  // namespace tidelog::broker
