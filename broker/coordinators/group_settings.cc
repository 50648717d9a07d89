#include "broker/coordinators/group_settings.h"

#include "broker/config/group_config.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;

std::size_t count_from(std::int32_t option) { return static_cast<std::size_t>(std::max(option, 0)); }

/// One of the option's choices, in any case.
MigrationPolicy migration_policy_from(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text == "disabled") return MigrationPolicy::disabled;
  if (text == "downgrade") return MigrationPolicy::downgrade;
  return text == "upgrade" ? MigrationPolicy::upgrade : MigrationPolicy::bidirectional;
}

void take(const GroupConfig& config, GroupSettings& settings) {
  settings.consumer_session_timeout = milliseconds(config.consumer_session_timeout_ms);
  settings.consumer_heartbeat_interval = milliseconds(config.consumer_heartbeat_interval_ms);
  settings.consumer_assignment_interval = milliseconds(config.consumer_assignment_interval_ms);
}

}  // namespace

GroupSettings settings_from(const BrokerOptions& options) {
  GroupSettings settings;
  settings.initial_rebalance_delay = milliseconds(options.group_initial_rebalance_delay_ms);
  settings.min_session_timeout = milliseconds(options.group_min_session_timeout_ms);
  settings.max_session_timeout = milliseconds(options.group_max_session_timeout_ms);
  settings.max_size = count_from(options.group_max_size);
  settings.offset_metadata_max_bytes = count_from(options.offset_metadata_max_bytes);
  settings.offsets_retention = std::chrono::minutes(options.offsets_retention_minutes);
  settings.consumer_max_size = count_from(options.group_consumer_max_size);
  settings.consumer_assignors = options.group_consumer_assignors;
  settings.migration_policy = migration_policy_from(options.group_consumer_migration_policy);
  take(resolve_group_config(options, {}), settings);
  return settings;
}

void ImageSettings::follow_options() {
  if (seen_ == options_) return;
  seen_ = options_;
  for_all_ = settings_from(*options_);
}

const GroupSettings& ImageSettings::of(std::string_view group) const {
  const Image::Configs& own = image_->configs_of(ConfigScope::group, std::string(group));
  if (own.empty()) return for_all_;
  asked_for_ = for_all_;
  take(resolve_group_config(*options_, own), asked_for_);
  return asked_for_;
}

}  // namespace tidelog::broker
