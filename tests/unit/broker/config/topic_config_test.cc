#include "broker/config/topic_config.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

using Overrides = ConfigMap;

std::string refusal(std::string_view key, std::string_view value) {
  const Result<void, ConfigError> result = validate_topic_config(key, value);
  return result ? "accepted" : result.error().message;
}

TEST(TopicOptionTable, IsSortedByKey) { EXPECT_TRUE(std::ranges::is_sorted(topic_option_table(), {}, &TopicOption::key)); }

TEST(TopicOptionTable, NamesOnlyBrokerKeysThatExist) {
  for (const TopicOption& row : topic_option_table()) {
    for (const Synonym& synonym : row.synonyms) EXPECT_NE(find_broker_option(synonym.key), nullptr) << synonym.key;
  }
}

TEST(TopicOptionTable, HasTheSameDefaultsAsTheBroker) {
  const TopicConfig plain;
  const TopicConfig resolved = resolve_topic_config(BrokerOptions{}, {});
  for (const TopicOption& row : topic_option_table()) EXPECT_EQ(row.print(resolved), row.print(plain)) << row.key;
}

TEST(ValidateTopicConfig, ChecksKeyTypeAndRange) {
  EXPECT_EQ(refusal("retention.ms", "-1"), "accepted");
  EXPECT_EQ(refusal("retention.ms", "soon"), "\"soon\" is not valid for retention.ms: not a whole number (allowed: at least -1)");
  EXPECT_EQ(refusal("segment.bytes", "1"), "\"1\" is not valid for segment.bytes: out of range (allowed: at least 1048576)");
  EXPECT_EQ(refusal("cleanup.policy", "compact,delete"), "accepted");
  EXPECT_EQ(refusal("cleanup.policy", "burn"), "\"burn\" is not valid for cleanup.policy: allowed: compact, delete");
  EXPECT_EQ(refusal("compression.type", "ZSTD"),
            "\"ZSTD\" is not valid for compression.type: allowed: uncompressed, zstd, lz4, snappy, gzip, producer");
  EXPECT_EQ(refusal("retention.mss", "1"), "\"retention.mss\" is not a topic config");
  EXPECT_EQ(refusal("", "1"), "\"\" is not a topic config");
}

TEST(ValidateTopicConfig, RefusesWhatThisBrokerCannotDo) {
  EXPECT_EQ(refusal("remote.storage.enable", "true"), "\"true\" is not valid for remote.storage.enable: tiered storage is not available");
  EXPECT_EQ(refusal("compression.gzip.level", "0"), "\"0\" is not valid for compression.gzip.level: allowed: -1, or 1 to 9");
}

TEST(ValidateTopicConfig, SuggestsTheKeyThatWasMeant) {
  const Result<void, ConfigError> result = validate_topic_config("retention.mss", "1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().hint, "did you mean retention.ms?");
}

TEST(ValidateTopicConfigs, MakesOnlySoManySuggestionsForOneRequest) {
  Suggestions suggestions;
  const auto hint = [&suggestions](std::string key) {
    return validate_topic_configs(TopicConfig(), {{std::move(key), "1"}}, suggestions).error().hint;
  };

  EXPECT_EQ(hint("retention.mss"), "did you mean retention.ms?");
  for (std::size_t i = 0; i < Suggestions::kMost; ++i) hint("unlike.any." + std::to_string(i));

  EXPECT_EQ(hint("segment.mss"), "see the topic keys in docs/configuration.md");
  EXPECT_EQ(hint("retention.mss"), "did you mean retention.ms?");
}

TEST(ValidateTopicConfigs, ComparesTheCompactionLags) {
  const Overrides overrides{{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "5"}};
  const Result<void, ConfigError> result = validate_topic_configs(BrokerOptions{}, overrides);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "\"5\" is not valid for max.compaction.lag.ms: it is below min.compaction.lag.ms, 10");
}

TEST(ResolveTopicConfig, TakesTheFinestUnitThatHasAValue) {
  BrokerOptions options;
  options.log_retention_hours = 2;
  EXPECT_EQ(resolve_topic_config(options, {}).retention_ms, 7200000);
  options.log_retention_minutes = 3;
  EXPECT_EQ(resolve_topic_config(options, {}).retention_ms, 180000);
  options.log_retention_ms = 4;
  EXPECT_EQ(resolve_topic_config(options, {}).retention_ms, 4);
}

TEST(ResolveTopicConfig, KeepsForeverAsForeverInEveryUnit) {
  BrokerOptions options;
  options.log_retention_hours = -1;
  EXPECT_EQ(resolve_topic_config(options, {}).retention_ms, -1);
}

TEST(ResolveTopicConfig, LetsAnOverrideBeatTheBroker) {
  BrokerOptions options;
  options.durability = DurabilityMode::page_cache;
  options.message_max_bytes = 5000;
  const Overrides overrides{{"max.message.bytes", "7000"}};
  const TopicConfig config = resolve_topic_config(options, overrides);
  EXPECT_EQ(config.max_message_bytes, 7000);
  EXPECT_EQ(config.durability, DurabilityMode::page_cache);
}

TEST(ResolveTopicConfig, SkipsAnOverrideItCannotRead) {
  const Overrides overrides{{"retention.ms", "soon"}, {"of.a.later.version", "1"}};
  EXPECT_EQ(resolve_topic_config(BrokerOptions{}, overrides).retention_ms, 604800000);
}

TEST(ResolveTopicConfig, TakesAnEmptyPolicyForKeepingEverything) {
  const Overrides overrides{{"cleanup.policy", ""}};
  const TopicConfig config = resolve_topic_config(BrokerOptions{}, overrides);
  EXPECT_FALSE(config.deletes());
  EXPECT_FALSE(config.compacts());
}

TEST(ResolveTopicConfig, SyncsBeforeTheAckWhenEveryMessageIsFlushed) {
  BrokerOptions options;
  options.durability = DurabilityMode::page_cache;
  EXPECT_FALSE(resolve_topic_config(options, {}).syncs_before_ack());
  options.log_flush_interval_messages = 1;
  EXPECT_TRUE(resolve_topic_config(options, {}).syncs_before_ack());
}

}  // namespace
}  // namespace tidelog::broker
