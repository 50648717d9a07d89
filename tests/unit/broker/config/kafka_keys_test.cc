// Every key of Apache Kafka 4.4 (tests/data/wire/configs.tsv) against our tables. Where ours differs on purpose it stands here.
#include "broker/config/option_groups.h"
#include "broker/config/resource_options.h"
#include "broker/config/topic_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace tidelog::broker {
namespace {

struct KafkaKey {
  std::string scope, key, type, fallback, valid, importance, update, internal, synonyms;
};

std::vector<KafkaKey> kafka_keys() {
  std::vector<KafkaKey> keys;
  std::ifstream file(TIDELOG_TEST_DATA "/wire/configs.tsv");
  std::string line;
  std::getline(file, line);  // Headings.
  while (std::getline(file, line)) {
    std::istringstream columns(line);
    KafkaKey& key = keys.emplace_back();
    for (std::string* column :
         {&key.scope, &key.key, &key.type, &key.fallback, &key.valid, &key.importance, &key.update, &key.internal, &key.synonyms}) {
      std::getline(columns, *column, '\t');
    }
  }
  return keys;
}

bool is_broker(const KafkaKey& key) { return key.scope.starts_with("broker"); }

std::span<const ResourceOption> table_of(const std::string& scope) {
  if (scope == "group") return group_options();
  if (scope == "client-metrics") return client_metrics_options();
  return scope == "ip" ? address_options() : quota_options();
}

const OptionInfo* info_of(const KafkaKey& key) {
  if (is_broker(key)) return find_broker_option(key.key);
  if (key.scope == "topic") return find_topic_option(key.key);
  return find_resource_option(table_of(key.scope), key.key);
}

std::string fallback_of(const KafkaKey& key) {
  if (is_broker(key)) return find_broker_option(key.key)->print(BrokerOptions{});
  if (key.scope == "topic") return find_topic_option(key.key)->print(topic_defaults(BrokerOptions{}));
  return std::string(info_of(key)->fallback);
}

std::string type_of(const OptionInfo& info) {
  switch (info.type) {
    case OptionType::boolean: return "BOOLEAN";
    case OptionType::short_integer: return "SHORT";
    case OptionType::integer: return "INT";
    case OptionType::long_integer: return "LONG";
    case OptionType::real: return "DOUBLE";
    case OptionType::list: return "LIST";
    case OptionType::class_name: return "CLASS";
    case OptionType::password: return "PASSWORD";
    case OptionType::text:
    case OptionType::choice: return "STRING";
  }
  return "";
}

/// The limits in Kafka's notation: "[1,...]", "[1,...,9]", "[a, b]", or "-" for none.
std::string valid_of(const OptionInfo& info) {
  if (!info.rules.choices.empty()) {
    std::string text = info.rules.ignores_case ? "(case insensitive) [" : "[";
    for (const std::string_view choice : info.rules.choices) text.append(text.ends_with('[') ? "" : ", ").append(choice);
    return text + "]";
  }
  const Limits any = any_value();
  const Limits& limits = info.rules.limits;
  if (limits.min == any.min) return "-";
  const bool is_open = limits.max == any.max || (info.type == OptionType::short_integer && limits.max == 32767);
  return "[" + std::to_string(limits.min) + ",..." + (is_open ? "" : "," + std::to_string(limits.max)) + "]";
}

std::string update_of(const OptionInfo& info) {
  switch (info.update) {
    case OptionUpdate::read_only: return "read-only";
    case OptionUpdate::per_broker: return "per-broker";
    case OptionUpdate::cluster_wide: return "cluster-wide";
  }
  return "";
}

TEST(KafkaKeys, AreAllKnown) {
  const std::vector<KafkaKey> keys = kafka_keys();
  ASSERT_EQ(keys.size(), 457u);
  for (const KafkaKey& key : keys) EXPECT_NE(info_of(key), nullptr) << key.scope << " " << key.key;
}

TEST(KafkaKeys, HaveKafkasTypes) {
  for (const KafkaKey& key : kafka_keys()) EXPECT_EQ(type_of(*info_of(key)), key.type) << key.key;
}

TEST(KafkaKeys, HaveKafkasDefaults) {
  const std::map<std::string, std::string> ours{
      {"node.id", "1"},  // Required by Kafka.
      {"listeners", "PLAINTEXT://127.0.0.1:9092"},
      {"log.dirs", "./data"},
      {"log.dir", ""},
      {"max.connections", "10000"},
      {"max.connections.per.ip", "1000"},
      {"max.connection.creation.rate", "5000"},
  };
  for (const KafkaKey& key : kafka_keys()) {
    if (is_broker(key) && ours.contains(key.key)) {
      EXPECT_EQ(fallback_of(key), ours.at(key.key)) << key.key;
      continue;
    }
    const bool is_null = key.fallback == "null" || key.fallback == "(required)";
    const std::string expected = is_null || key.fallback == "\"\"" ? "" : key.fallback;
    EXPECT_EQ(fallback_of(key), expected) << key.key;
    EXPECT_EQ(shown_value(*info_of(key), fallback_of(key)).has_value(), !is_null) << key.key << " is null or not";
  }
}

TEST(KafkaKeys, HaveKafkasRanges) {
  const std::map<std::string, std::string> ours{
      {"num.partitions", "[1,...,100000]"},
      {"offsets.topic.num.partitions", "[1,...,100000]"},
      {"offsets.topic.segment.bytes", "[1048576,...]"},  // No topic may have less.
      {"transaction.state.log.num.partitions", "[1,...,100000]"},
      {"transaction.state.log.min.isr", "[1,...]"},
      {"compression.gzip.level", "[-1,...,9]"},  // 0 is refused beside the table.
      {"remote.log.manager.task.retry.jitter", "[0,...,1]"},
  };
  for (const KafkaKey& key : kafka_keys()) {
    const bool is_spelled = key.valid.starts_with('[') || key.valid.starts_with("(case");
    const std::string valid = valid_of(*info_of(key));
    if (const auto other = ours.find(key.key); other != ours.end()) {
      EXPECT_EQ(valid, other->second) << key.key;
    } else if (is_spelled && key.valid.find(':') == std::string::npos) {
      EXPECT_EQ(valid, key.valid) << key.key;
    }
  }
}

TEST(KafkaKeys, ChangeWhenKafkasChange) {
  // A listener is opened at start, whatever may be said later.
  const std::map<std::string, std::string> ours{{"listeners", "read-only"}, {"listener.security.protocol.map", "read-only"}};
  for (const KafkaKey& key : kafka_keys()) {
    if (!is_broker(key)) continue;
    const auto other = ours.find(key.key);
    EXPECT_EQ(update_of(*info_of(key)), other == ours.end() ? key.update : other->second) << key.key;
    EXPECT_EQ(info_of(key)->is_internal, key.internal == "yes") << key.key;
  }
}

TEST(KafkaKeys, FollowTheBrokerKeysThatKafkasFollow) {
  for (const KafkaKey& key : kafka_keys()) {
    if (key.scope != "topic") continue;
    std::string ours;
    for (const Synonym& synonym : find_topic_option(key.key)->synonyms) {
      ours.append(ours.empty() ? "" : " ").append(synonym.key);
      if (synonym.factor != 1) ours += "(x" + std::to_string(synonym.factor) + ")";
    }
    EXPECT_EQ(ours.empty() ? "-" : ours, key.synonyms) << key.key;
  }
}

TEST(KafkaKeys, AreDescribedInASentence) {
  for (const KafkaKey& key : kafka_keys()) {
    const std::string_view doc = info_of(key)->doc;
    EXPECT_TRUE(doc.ends_with('.') || doc.ends_with(".)")) << key.key;
    EXPECT_GT(doc.size(), 12u) << key.key;
  }
}

}  // namespace
}  // namespace tidelog::broker
