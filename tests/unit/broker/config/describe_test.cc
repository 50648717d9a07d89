#include "broker/config/describe.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

/// A broker with some of each layer.
struct Broker {
  ConfigMap own;
  ConfigMap for_all;
  BrokerOptions started;
  BrokerOptions in_force;

  BrokerLayers layers() {
    in_force = resolve_broker_options(started, for_all, own);
    return {.own = own, .for_all = for_all, .started = started, .in_force = in_force};
  }
};

ConfigEntry entry_of(const std::vector<ConfigEntry>& entries, std::string_view key) {
  const auto found = std::ranges::find(entries, key, &ConfigEntry::name);
  return found == entries.end() ? ConfigEntry{.name = "none"} : *found;
}

/// "KEY=VALUE@SOURCE ..." in the order they count.
std::string text_of(const std::vector<ConfigSynonym>& synonyms) {
  std::string text;
  for (const ConfigSynonym& one : synonyms) {
    text += (text.empty() ? "" : " ") + one.name + "=" + one.value.value_or("null") + "@" + std::to_string(static_cast<int>(one.source));
  }
  return text;
}

std::string topic_synonyms(Broker& broker, const ConfigMap& overrides, std::string_view key) {
  return text_of(entry_of(describe_topic(broker.layers(), overrides, KeyFilter()), key).synonyms);
}

TEST(DescribeTopic, ListsEveryLayerThatGivesAValue) {
  Broker broker;
  broker.own = {{"message.max.bytes", "4000"}};
  broker.for_all = {{"message.max.bytes", "5000"}};
  broker.started.message_max_bytes = 6000;
  broker.started.stated.insert("message.max.bytes");

  EXPECT_EQ(topic_synonyms(broker, {{"max.message.bytes", "3000"}}, "max.message.bytes"),
            "max.message.bytes=3000@1 message.max.bytes=4000@2 message.max.bytes=5000@3 message.max.bytes=6000@4 "
            "message.max.bytes=1048588@5");
  const ConfigEntry entry = entry_of(describe_topic(broker.layers(), {}, KeyFilter()), "max.message.bytes");
  EXPECT_EQ(entry.value, "4000");
  EXPECT_EQ(entry.source, ConfigSource::dynamic_broker);
}

TEST(DescribeTopic, LeavesOutTheDefaultOfAnotherUnit) {
  Broker broker;
  EXPECT_EQ(topic_synonyms(broker, {}, "retention.ms"), "");
  EXPECT_EQ(topic_synonyms(broker, {{"retention.ms", "1000"}}, "retention.ms"), "retention.ms=1000@1");
  EXPECT_EQ(topic_synonyms(broker, {}, "cleanup.policy"), "log.cleanup.policy=delete@5");
}

TEST(DescribeTopic, NamesTheUnitThatWasSet) {
  Broker broker;
  broker.started.log_retention_hours = 2;
  broker.started.stated.insert("log.retention.hours");
  const ConfigEntry entry = entry_of(describe_topic(broker.layers(), {}, KeyFilter()), "retention.ms");
  EXPECT_EQ(entry.value, "7200000");
  EXPECT_EQ(entry.source, ConfigSource::static_broker);
  EXPECT_EQ(text_of(entry.synonyms), "log.retention.hours=2@4 log.retention.hours=168@5");
}

TEST(DescribeTopic, HidesInternalKeysUntilTheyAreSet) {
  Broker broker;
  EXPECT_EQ(entry_of(describe_topic(broker.layers(), {}, KeyFilter()), "internal.segment.bytes").name, "none");
  EXPECT_EQ(entry_of(describe_topic(broker.layers(), {{"internal.segment.bytes", "5"}}, KeyFilter()), "internal.segment.bytes").value, "5");
}

TEST(DescribeTopic, TellsOnlyTheKeysAskedFor) {
  Broker broker;
  const std::vector<ConfigEntry> entries = describe_topic(broker.layers(), {}, KeyFilter({"segment.ms", "no.such.key"}));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries.front().name, "segment.ms");
  EXPECT_EQ(describe_topic(broker.layers(), {}, KeyFilter(std::set<std::string_view>{})).size(), topic_option_table().size() - 1);
}

TEST(DescribeTopic, ExplainsAKeyByTheBrokersKey) {
  Broker broker;
  EXPECT_EQ(entry_of(describe_topic(broker.layers(), {}, KeyFilter()), "retention.bytes").doc,
            find_broker_option("log.retention.bytes")->doc);
}

TEST(DescribeBroker, TellsSourceAndWhetherItCanChange) {
  Broker broker;
  broker.started.num_partitions = 3;
  broker.started.stated.insert("num.partitions");
  const std::vector<ConfigEntry> entries = describe_broker(broker.layers(), KeyFilter());
  EXPECT_EQ(text_of(entry_of(entries, "num.partitions").synonyms), "num.partitions=3@4 num.partitions=1@5");
  EXPECT_TRUE(entry_of(entries, "num.partitions").is_read_only);
  EXPECT_FALSE(entry_of(entries, "log.retention.ms").is_read_only);
  EXPECT_EQ(entry_of(entries, "log.retention.ms").value, std::nullopt);
  EXPECT_TRUE(std::ranges::is_sorted(entries, {}, &ConfigEntry::name));
}

TEST(DescribeBroker, NeverShowsPasswordsAndUnknownKeys) {
  Broker broker;
  broker.own = {{"listener.name.x.ssl.keystore.password", "geheim"}, {"plugin.token", "geheim"}};
  const std::vector<ConfigEntry> entries = describe_broker(broker.layers(), KeyFilter());
  for (const std::string_view key : {"listener.name.x.ssl.keystore.password", "plugin.token"}) {
    const ConfigEntry entry = entry_of(entries, key);
    EXPECT_TRUE(entry.is_sensitive) << key;
    EXPECT_EQ(entry.value, std::nullopt) << key;
    EXPECT_EQ(entry.source, ConfigSource::dynamic_broker) << key;
    EXPECT_EQ(text_of(entry.synonyms).find("geheim"), std::string::npos) << key;
  }
}

TEST(DescribeAllBrokers, TellsWhatWasSetForAllOfThemAlone) {
  Broker broker;
  broker.own = {{"log.retention.ms", "1"}};
  broker.for_all = {{"log.retention.ms", "2"}};
  const std::vector<ConfigEntry> entries = describe_all_brokers(broker.layers(), KeyFilter());
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries.front().value, "2");
  EXPECT_EQ(text_of(entries.front().synonyms), "log.retention.ms=2@3");
}

TEST(DescribeGroup, FollowsTheBroker) {
  Broker broker;
  const std::vector<ConfigEntry> entries = describe_group(broker.layers(), {{"share.isolation.level", "read_committed"}}, KeyFilter());
  EXPECT_EQ(text_of(entry_of(entries, "consumer.session.timeout.ms").synonyms), "group.consumer.session.timeout.ms=45000@5");
  EXPECT_EQ(entry_of(entries, "share.isolation.level").source, ConfigSource::group);
}

TEST(DescribeGroup, TellsWhatWasSetAsItWasSetWithEveryLayerBelow) {
  Broker broker;
  broker.for_all = {{"group.consumer.assignment.interval.ms", "2000"}};
  const ConfigMap set{{"consumer.assignment.interval.ms", "20000"}};  // Beyond the bound, which was wider then.
  const ConfigEntry entry = entry_of(describe_group(broker.layers(), set, KeyFilter()), "consumer.assignment.interval.ms");
  EXPECT_EQ(entry.value, "20000");
  EXPECT_EQ(text_of(entry.synonyms),
            "consumer.assignment.interval.ms=20000@8 group.consumer.assignment.interval.ms=2000@3 "
            "group.consumer.assignment.interval.ms=1000@5");
  EXPECT_EQ(entry_of(describe_group(broker.layers(), {}, KeyFilter()), "consumer.assignment.interval.ms").value, "2000");
}

TEST(ResolveBrokerOptions, LetsOneBrokersOwnBeatWhatHoldsForAll) {
  const BrokerOptions options =
      resolve_broker_options(BrokerOptions{}, {{"log.retention.ms", "1"}, {"log.segment.bytes", "2000000"}}, {{"log.retention.ms", "2"}});
  EXPECT_EQ(options.log_retention_ms, 2);
  EXPECT_EQ(options.log_segment_bytes, 2000000);
}

TEST(ResolveBrokerOptions, SkipsWhatItCannotUse) {
  const BrokerOptions options =
      resolve_broker_options(BrokerOptions{}, {{"log.retention.ms", "soon"}, {"node.id", "9"}, {"of.a.later.version", "1"}}, {});
  EXPECT_EQ(options.log_retention_ms, std::nullopt);
  EXPECT_EQ(options.node_id, 1);
}

std::string refusal(const ConfigMap& configs, bool is_for_all = false) {
  const Result<void, ConfigError> checked = validate_broker_configs(configs, is_for_all);
  return checked ? "accepted" : checked.error().message;
}

TEST(ValidateBrokerConfigs, KnowsWhatCanChange) {
  EXPECT_EQ(refusal({{"log.retention.ms", "5"}}), "accepted");
  EXPECT_EQ(refusal({{"no.such.key", "5"}}), "accepted");
  EXPECT_EQ(refusal({{"broker.rack", "r"}}), "broker.rack cannot change while the broker runs");
  EXPECT_EQ(refusal({{"log.retention.ms", "soon"}}),
            "\"soon\" is not valid for log.retention.ms: not a whole number (allowed: at least -1)");
  EXPECT_EQ(refusal({{"log.retention.ms", ""}}), "\"\" is not valid for log.retention.ms: it is empty");
  EXPECT_EQ(refusal({{"ssl.keystore.location", "x"}}), "ssl.keystore.location can only change for one listener at a time");
  EXPECT_EQ(refusal({{"listener.name.x.ssl.keystore.location", "x"}}), "accepted");
  EXPECT_EQ(refusal({{"listener.name.x.ssl.keystore.location", "x"}}, true),
            "listener.name.x.ssl.keystore.location is a setting of one broker");
  EXPECT_EQ(refusal({{"cordoned.log.dirs", "x"}}, true), "cordoned.log.dirs is a setting of one broker");
}

TEST(ValidateBrokerConfigs, KeepsOnlySoManyKeysThatNobodyKnows) {
  ConfigMap configs;
  for (int i = 0; i < 100; ++i) configs["unknown." + std::to_string(i)] = "1";
  EXPECT_EQ(refusal(configs), "accepted");
  configs["unknown.more"] = "1";
  EXPECT_EQ(refusal(configs), "100 keys are set that no broker knows, and that is the most that are kept");
  EXPECT_TRUE(validate_broker_configs(configs, false).error().is_limit);
  EXPECT_FALSE(validate_broker_configs({{"log.retention.ms", "soon"}}, false).error().is_limit);
}

TEST(ValidateResourceConfig, KeepsAGroupWithinTheBrokersBounds) {
  const auto why = [](std::string_view key, std::string_view value) {
    const auto checked = validate_resource_config(BrokerOptions{}, group_options(), key, value);
    return checked ? std::string("accepted") : checked.error().message;
  };
  EXPECT_EQ(why("consumer.session.timeout.ms", "50000"), "accepted");
  EXPECT_EQ(why("consumer.session.timeout.ms", "70000"),
            "\"70000\" is not valid for consumer.session.timeout.ms: the broker allows no more than 60000");
  EXPECT_EQ(why("consumer.session.timeout.ms", "1000"),
            "\"1000\" is not valid for consumer.session.timeout.ms: the broker allows no less than 45000");
  EXPECT_EQ(why("share.auto.offset.reset", "by_duration:PT1H"), "accepted");
  EXPECT_EQ(why("share.auto.offset.reset", "newest"),
            "\"newest\" is not valid for share.auto.offset.reset: allowed: latest, earliest, by_duration: and a duration such as PT1H");
  EXPECT_EQ(why("consumer.session.timeout", "1"), "\"consumer.session.timeout\" is not a config of this kind of resource");
}

}  // namespace
}  // namespace tidelog::broker
