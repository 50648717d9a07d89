// Every key of every kind of resource can be set, and is told as it was set.
#include "broker/config/describe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

/// A value for a key: its default, or one that its rules allow where it has none.
std::string value_for(const OptionInfo& info, std::string fallback) {
  if (!fallback.empty()) return fallback;
  switch (info.type) {
    case OptionType::boolean: return "true";
    case OptionType::short_integer:
    case OptionType::integer:
    case OptionType::long_integer: return std::to_string(std::max<std::int64_t>(info.rules.limits.min, 1));
    case OptionType::real: return "0.5";
    case OptionType::text:
    case OptionType::list:
    case OptionType::choice:
    case OptionType::class_name:
    case OptionType::password: break;
  }
  return info.rules.choices.empty() ? "some.text" : std::string(info.rules.choices.front());
}

std::string told(const std::vector<ConfigEntry>& entries, std::string_view key, ConfigSource source) {
  const auto found = std::ranges::find(entries, key, &ConfigEntry::name);
  if (found == entries.end()) return "it is not told";
  if (found->source != source) return "it comes from elsewhere";
  return found->value.value_or("null");
}

std::string why_not(const Result<void, ConfigError>& checked) { return checked ? "" : checked.error().message; }

BrokerLayers no_layers() {
  static const ConfigMap none{};
  static const BrokerOptions defaults;
  return {.own = none, .for_all = none, .started = defaults, .in_force = defaults};
}

TEST(EveryKey, OfAClientMetricsSubscriptionCanBeSetAndIsTold) {
  ASSERT_FALSE(client_metrics_options().empty());
  for (const ResourceOption& row : client_metrics_options()) {
    const std::string value = value_for(row, std::string(row.fallback));
    const ConfigMap set{{std::string(row.key), value}};
    EXPECT_EQ(why_not(validate_resource_config(BrokerOptions{}, client_metrics_options(), row.key, value)), "") << row.key;
    EXPECT_EQ(told(describe_client_metrics(set, KeyFilter()), row.key, ConfigSource::client_metrics), value) << row.key;
  }
}

TEST(EveryKey, OfAGroupCanBeSetAndIsTold) {
  ASSERT_FALSE(group_options().empty());
  for (const ResourceOption& row : group_options()) {
    const std::string value = value_for(row, std::string(row.fallback));
    const ConfigMap set{{std::string(row.key), value}};
    EXPECT_EQ(why_not(validate_resource_config(BrokerOptions{}, group_options(), row.key, value)), "") << row.key;
    EXPECT_EQ(told(describe_group(no_layers(), set, KeyFilter()), row.key, ConfigSource::group), value) << row.key;
  }
}

// The replicas that are throttled have no default: as a list of their own they may be empty.
TEST(EveryKey, OfATopicCanBeSetAndIsTold) {
  for (const TopicOption& row : topic_option_table()) {
    const std::string fallback = row.print(TopicConfig());
    const std::string value = row.type == OptionType::list ? fallback : value_for(row, fallback);
    const ConfigMap set{{std::string(row.key), value}};
    EXPECT_EQ(why_not(validate_topic_configs(BrokerOptions{}, set)), "") << row.key;
    EXPECT_EQ(told(describe_topic(no_layers(), set, KeyFilter()), row.key, ConfigSource::topic), value) << row.key;
  }
}

// Only those that may change in a running broker; keys of certificates only for one listener at a time.
TEST(EveryKey, OfABrokerThatMayChangeCanBeSetAndIsTold) {
  std::size_t dynamic = 0;
  for (const BrokerOption& row : broker_option_table()) {
    if (!row.is_dynamic()) continue;
    const bool is_of_listener = row.key.starts_with("ssl.") || row.key.starts_with("sasl.");
    const std::string key = (is_of_listener ? "listener.name.x." : "") + std::string(row.key);
    const std::string value = value_for(row, row.print(BrokerOptions{}));
    const ConfigMap own{{key, value}};
    const ConfigMap for_all{};
    const BrokerOptions started;
    const BrokerOptions in_force = resolve_broker_options(started, for_all, own);
    const BrokerLayers layers{.own = own, .for_all = for_all, .started = started, .in_force = in_force};
    EXPECT_EQ(why_not(validate_broker_configs(own, false)), "") << key;
    EXPECT_EQ(told(describe_broker(layers, KeyFilter()), key, ConfigSource::dynamic_broker), row.is_sensitive() ? "null" : value) << key;
    ++dynamic;
  }
  EXPECT_GT(dynamic, 50U);
}

}  // namespace
}  // namespace tidelog::broker
