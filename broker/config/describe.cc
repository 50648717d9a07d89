#include "broker/config/describe.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

using Names = std::vector<std::string_view>;

const BrokerOptions& default_options() {
  static const BrokerOptions defaults;
  return defaults;
}

/// A password is not shown, and neither is the value of a key nobody knows: it may be one.
bool hides(const BrokerOption* row) { return row == nullptr || row->is_sensitive(); }

std::optional<std::string> shown(const BrokerOption* row, const std::string& value) {
  if (hides(row)) return std::nullopt;
  return shown_value(*row, value);
}

void add_dynamic(const Names& names, const ConfigMap& layer, ConfigSource source, std::vector<ConfigSynonym>& to) {
  for (const std::string_view name : names) {
    const auto found = layer.find(std::string(name));
    if (found == layer.end()) continue;
    to.push_back({.name = std::string(name), .value = shown(find_broker_option(name), found->second), .source = source});
  }
}

void add_started(const Names& names, const BrokerOptions& started, std::vector<ConfigSynonym>& to) {
  for (const std::string_view name : names) {
    if (!started.stated.contains(name)) continue;
    const BrokerOption* row = find_broker_option(name);
    const bool is_plain = row != nullptr && row->key == name;
    const auto kept = started.inert.find(name);
    const std::string value = is_plain ? row->print(started) : kept == started.inert.end() ? std::string() : kept->second;
    to.push_back({.name = std::string(name), .value = shown(row, value), .source = ConfigSource::static_broker});
  }
}

void add_defaults(const Names& names, std::vector<ConfigSynonym>& to) {
  for (const std::string_view name : names) {
    const BrokerOption* row = find_broker_option(name);
    if (row == nullptr || row->key != name || row->is_required) continue;
    const std::optional<std::string> value = shown_value(*row, row->print(default_options()));
    if (value) to.push_back({.name = std::string(name), .value = shown(row, *value), .source = ConfigSource::default_value});
  }
}

/// Every place that gives one of `names` a value, layer by layer. What only defaults say about names behind the first is left out, as Kafka
/// does: an hour's default is no synonym of a key in milliseconds until somebody sets it.
std::vector<ConfigSynonym> synonyms_of(const Names& names, const BrokerLayers& layers) {
  std::vector<ConfigSynonym> synonyms;
  if (names.empty()) return synonyms;
  add_dynamic(names, layers.own, ConfigSource::dynamic_broker, synonyms);
  add_dynamic(names, layers.for_all, ConfigSource::dynamic_default_broker, synonyms);
  add_started(names, layers.started, synonyms);
  add_defaults(names, synonyms);
  const auto first = std::ranges::find_if(
      synonyms, [&](const ConfigSynonym& one) { return one.name == names.front() || one.source != ConfigSource::default_value; });
  synonyms.erase(synonyms.begin(), first);
  return synonyms;
}

Names names_of(const TopicOption& row) {
  Names names;
  for (const Synonym& synonym : row.synonyms) names.push_back(synonym.key);
  return names;
}

ConfigSource source_of(const std::vector<ConfigSynonym>& synonyms) {
  return synonyms.empty() ? ConfigSource::default_value : synonyms.front().source;
}

ConfigEntry broker_entry(std::string_view key, const BrokerLayers& layers) {
  ConfigEntry entry{.name = std::string(key)};
  const BrokerOption* row = find_broker_option(key);
  const bool is_plain = row != nullptr && row->key == key;
  // A listener without a value of its own has the value of all.
  const Names names = row == nullptr || is_plain ? Names{key} : Names{key, row->key};
  entry.synonyms = synonyms_of(names, layers);
  entry.source = source_of(entry.synonyms);
  entry.is_sensitive = hides(row);
  entry.is_read_only = row == nullptr || !row->is_dynamic();
  if (is_plain) {
    entry.value = shown(row, row->print(layers.in_force));
  } else if (!entry.synonyms.empty()) {
    entry.value = entry.synonyms.front().value;
  }
  if (row != nullptr) entry.take(*row);
  return entry;
}

/// Keys beside those of the table that somebody set: of one listener, of plugins, or unknown.
std::set<std::string_view> further_keys(const BrokerLayers& layers) {
  std::set<std::string_view> keys;
  const auto add = [&keys](std::string_view key) {
    const BrokerOption* row = find_broker_option(key);
    if (row == nullptr || row->key != key || row->is_internal) keys.insert(key);
  };
  for (const auto& [key, value] : layers.own) add(key);
  for (const auto& [key, value] : layers.for_all) add(key);
  for (const std::string& key : layers.started.stated) add(key);
  return keys;
}

ConfigEntry topic_entry(const TopicOption& row, const BrokerLayers& layers, const TopicConfig& config, const ConfigMap& overrides) {
  ConfigEntry entry{.name = std::string(row.key), .value = shown_value(row, row.print(config))};
  const Names names = names_of(row);
  if (const auto set = overrides.find(entry.name); set != overrides.end() && validate_topic_config(set->first, set->second)) {
    entry.synonyms.push_back({.name = entry.name, .value = entry.value, .source = ConfigSource::topic});
  }
  std::ranges::move(synonyms_of(names, layers), std::back_inserter(entry.synonyms));
  entry.source = source_of(entry.synonyms);
  entry.take(topic_option_info(row));
  return entry;
}

ConfigEntry resource_entry(const ResourceOption& row, const ConfigMap& overrides, ConfigSource own, std::vector<ConfigSynonym> synonyms) {
  ConfigEntry entry{.name = std::string(row.key), .value = shown_value(row, std::string(row.fallback))};
  if (!synonyms.empty()) entry.value = synonyms.front().value;
  entry.synonyms = std::move(synonyms);
  if (const auto set = overrides.find(entry.name); set != overrides.end()) {
    entry.value = set->second;
    entry.synonyms.insert(entry.synonyms.begin(), {.name = entry.name, .value = entry.value, .source = own});
  }
  entry.source = source_of(entry.synonyms);
  entry.take(row);
  return entry;
}

}  // namespace

std::vector<ConfigEntry> describe_topic(const BrokerLayers& layers, const ConfigMap& overrides, const KeyFilter& filter) {
  const TopicConfig config = resolve_topic_config(layers.in_force, overrides);
  std::vector<ConfigEntry> entries;
  for (const TopicOption& row : topic_option_table()) {
    const bool is_hidden = row.is_internal && !overrides.contains(std::string(row.key));
    if (!is_hidden && filter.admits(row.key)) entries.push_back(topic_entry(row, layers, config, overrides));
  }
  return entries;
}

std::vector<ConfigEntry> describe_broker(const BrokerLayers& layers, const KeyFilter& filter) {
  std::vector<ConfigEntry> entries;
  for (const BrokerOption& row : broker_option_table()) {
    if (!row.is_internal && filter.admits(row.key)) entries.push_back(broker_entry(row.key, layers));
  }
  for (const std::string_view key : further_keys(layers)) {
    if (filter.admits(key)) entries.push_back(broker_entry(key, layers));
  }
  std::ranges::sort(entries, {}, &ConfigEntry::name);
  return entries;
}

std::vector<ConfigEntry> describe_all_brokers(const BrokerLayers& layers, const KeyFilter& filter) {
  std::vector<ConfigEntry> entries;
  for (const auto& [key, value] : layers.for_all) {
    if (!filter.admits(key)) continue;
    ConfigEntry& entry = entries.emplace_back(broker_entry(key, layers));
    std::erase_if(entry.synonyms, [](const ConfigSynonym& one) { return one.source != ConfigSource::dynamic_default_broker; });
    entry.source = ConfigSource::dynamic_default_broker;
    entry.value = shown(find_broker_option(key), value);
  }
  return entries;
}

std::vector<ConfigEntry> describe_group(const BrokerLayers& layers, const ConfigMap& overrides, const KeyFilter& filter) {
  std::vector<ConfigEntry> entries;
  for (const ResourceOption& row : group_options()) {
    const bool is_hidden = row.is_internal && !overrides.contains(std::string(row.key));
    if (is_hidden || !filter.admits(row.key)) continue;
    // The first of a list is a group's default where the group names one.
    const bool inherits = !row.synonym.empty() && !row.is_nullable;
    std::vector<ConfigSynonym> synonyms = inherits ? synonyms_of({row.synonym}, layers) : std::vector<ConfigSynonym>();
    entries.push_back(resource_entry(row, overrides, ConfigSource::group, std::move(synonyms)));
  }
  return entries;
}

std::vector<ConfigEntry> describe_client_metrics(const ConfigMap& overrides, const KeyFilter& filter) {
  std::vector<ConfigEntry> entries;
  for (const ResourceOption& row : client_metrics_options()) {
    if (filter.admits(row.key)) entries.push_back(resource_entry(row, overrides, ConfigSource::client_metrics, {}));
  }
  return entries;
}

}  // namespace tidelog::broker
