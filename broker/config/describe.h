#pragma once

#include "broker/config/dynamic.h"
#include "broker/config/resource_options.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Where a value comes from, by the protocol's numbers.
enum class ConfigSource : std::int8_t {
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  client_metrics = 7,
  group = 8,
};

/// One place that gives a key a value; the first of them counts.
struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value;  ///< None: not shown, or there is none.
  ConfigSource source = ConfigSource::default_value;
};

/// A key as it is told to clients.
struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::default_value;
  bool is_read_only = false;
  bool is_sensitive = false;
  std::vector<ConfigSynonym> synonyms;
  std::optional<OptionType> type;  ///< None: a key that nobody knows.
  std::string_view doc;
  std::string_view no_effect;  ///< Empty, or why it has none.

  void take(const OptionInfo& info) { type = info.type, doc = info.doc, no_effect = info.no_effect; }
};

/// Which keys were asked for; none: all.
class KeyFilter {
 public:
  KeyFilter() = default;
  explicit KeyFilter(std::set<std::string_view> keys) : keys_(std::move(keys)) {}
  [[nodiscard]] bool admits(std::string_view key) const { return keys_.empty() || keys_.contains(key); }

 private:
  std::set<std::string_view> keys_;
};

// Each sorted by key. Keys that Kafka keeps to itself are left out unless they were set.
std::vector<ConfigEntry> describe_topic(const BrokerLayers& layers, const ConfigMap& overrides, const KeyFilter& filter);
std::vector<ConfigEntry> describe_broker(const BrokerLayers& layers, const KeyFilter& filter);
/// Only what was set for all brokers.
std::vector<ConfigEntry> describe_all_brokers(const BrokerLayers& layers, const KeyFilter& filter);
std::vector<ConfigEntry> describe_group(const BrokerLayers& layers, const ConfigMap& overrides, const KeyFilter& filter);
std::vector<ConfigEntry> describe_client_metrics(const ConfigMap& overrides, const KeyFilter& filter);

}  // namespace tidelog::broker
