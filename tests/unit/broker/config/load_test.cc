#include "broker/config/load.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

namespace tidelog::broker {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

Result<BrokerOptions, ConfigError> merge(std::string_view file, const Environment& environment, const std::vector<std::string>& flags) {
  return merge_options({.file_name = "server.properties", .file_text = file, .environment = environment, .flags = flags});
}

ConfigError refusal(std::string_view file, const Environment& environment = {}, const std::vector<std::string>& flags = {}) {
  const auto result = merge(file, environment, flags);
  return result ? ConfigError{.key = "", .message = "accepted", .hint = ""} : result.error();
}

TEST(BrokerOptionTable, HasDefaultsThatItsOwnRulesAccept) {
  const BrokerOptions defaults;
  for (const Option<BrokerOptions>& row : broker_option_table()) {
    BrokerOptions copy;
    const ValueResult result = row.read(copy, row.print(defaults));
    EXPECT_TRUE(result) << row.key << ": " << (result ? "" : result.error());
    EXPECT_EQ(row.print(copy), row.print(defaults)) << row.key;
  }
  EXPECT_TRUE(check_consistency(defaults));
}

TEST(BrokerOptionTable, NamesEveryKeyOnceAndInKafkasSpelling) {
  std::set<std::string_view> keys;
  for (const Option<BrokerOptions>& row : broker_option_table()) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    // The only digit is the one of a codec's name.
    for (const char c : row.key) EXPECT_TRUE(c == '.' || c == '4' || std::islower(static_cast<unsigned char>(c)) != 0) << row.key;
    EXPECT_TRUE(row.doc.ends_with('.') || row.doc.ends_with(".)")) << row.key;
  }
}

TEST(LoadOptions, UsesDefaultsWhenNothingIsGiven) {
  const auto options = merge("", {}, {});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->listeners, std::vector<std::string>{"PLAINTEXT://127.0.0.1:9092"});
  EXPECT_EQ(options->durability, DurabilityMode::fsync);
  EXPECT_TRUE(options->stated.empty());
}

TEST(LoadOptions, LetsFlagsBeatEnvironmentBeatFile) {
  const std::string_view file = "num.partitions=2\nnode.id=2\nshards=2\n";
  const Environment environment{{"TIDELOG_NODE_ID", "3"}, {"TIDELOG_SHARDS", "3"}};
  const auto options = merge(file, environment, {"shards=4"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->num_partitions, 2);
  EXPECT_EQ(options->node_id, 3);
  EXPECT_EQ(options->shards, 4);
  EXPECT_EQ(options->stated, (std::set<std::string, std::less<>>{"node.id", "num.partitions", "shards"}));
}

TEST(LoadOptions, TakesTheLastFlagOfAKey) {
  const auto options = merge("", {}, {"shards=1", "shards=2"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->shards, 2);
}

TEST(LoadOptions, KeepsEqualsSignsOfAValue) {
  const auto options = merge("", {}, {"broker.rack=a=b"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->broker_rack, "a=b");
}

TEST(LoadOptions, SaysWhereAnUnknownKeyStandsAndWhatWasMeant) {
  const ConfigError error = refusal("# one\nnum.partition=3\n");
  EXPECT_EQ(error.message, "server.properties:2: unknown key \"num.partition\"");
  EXPECT_EQ(error.hint, "did you mean num.partitions?");
}

TEST(LoadOptions, PointsFromATopicKeyToTheBrokersKey) {
  const ConfigError error = refusal("retention.ms=1\n");
  EXPECT_EQ(error.hint, "retention.ms is a topic's key; the broker's default for it is log.retention.ms");
}

TEST(LoadOptions, SuggestsNothingForAWordThatIsLikeNone) {
  EXPECT_EQ(refusal("", {}, {"xyzzy=1"}).hint, "`tidelog config docs` lists every key");
}

TEST(LoadOptions, NamesTheRangeOfABadValue) {
  EXPECT_EQ(refusal("num.partitions=0").message,
            "server.properties:1: \"0\" is not valid for num.partitions: out of range (allowed: 1 to 100000)");
  EXPECT_EQ(refusal("offsets.topic.segment.bytes=65536\n").message,
            "server.properties:1: \"65536\" is not valid for offsets.topic.segment.bytes: out of range (allowed: at least 1048576)");
  EXPECT_EQ(refusal("", {{"TIDELOG_DURABILITY", "maybe"}}).message,
            "environment TIDELOG_DURABILITY: \"maybe\" is not valid for durability: allowed: fsync, page-cache");
}

TEST(LoadOptions, RefusesAFlagWithoutAnEqualsSign) {
  EXPECT_EQ(refusal("", {}, {"shards"}).message, "-o shards: not of the form key=value");
}

TEST(LoadOptions, RefusesANearMissInTheEnvironmentAndIgnoresStrangers) {
  EXPECT_EQ(refusal("", {{"TIDELOG_LOG_DIRZ", "/x"}}).hint, "did you mean TIDELOG_LOG_DIR?");
  EXPECT_EQ(refusal("", {{"TIDELOG_SERVICE_HOST", "10.0.0.1"}, {"TIDELOG_PORT_9092_TCP", "tcp://"}, {"OTHER", "1"}}).message, "accepted");
}

TEST(LoadOptions, PassesOnTheLineOfABrokenFile) {
  EXPECT_EQ(refusal("a=1\na=2\n").message, "server.properties:2: a is set a second time, first on line 1");
}

TEST(LoadOptions, RefusesARequestPoolThatCannotHoldARequest) {
  const ConfigError error = refusal("queued.max.request.bytes=1000\n");
  EXPECT_EQ(error.message, "the request pool of 1000 bytes cannot hold one request of socket.request.max.bytes=104857600");
  EXPECT_EQ(refusal("queued.max.request.bytes=1000\nsocket.request.max.bytes=1000\n").message, "accepted");
}

TEST(LoadOptions, GivesEachPoolAQuarterOfTheBudget) {
  const auto options = merge("memory.budget.bytes=800000000\nresponse.memory.bytes=5\n", {}, {});
  ASSERT_TRUE(options);
  EXPECT_EQ(request_memory_bytes(*options), 200000000);
  EXPECT_EQ(response_memory_bytes(*options), 5);
}

TEST(LoadOptions, RefusesAddressesThatCannotBeServed) {
  EXPECT_EQ(refusal("listeners=SSL://h:1").message, "\"SSL://h:1\" is not valid for listeners: SSL is not served, only PLAINTEXT is");
  EXPECT_EQ(refusal("listeners=").message, "listeners is empty: the broker would serve nobody");
  EXPECT_EQ(refusal("advertised.listeners=PLAINTEXT://h").key, "advertised.listeners");
}

TEST(LoadOptions, RefusesALogDirectoryInAnotherAndOneNamedTwice) {
  EXPECT_EQ(refusal("log.dirs=a,b").message, "accepted");
  EXPECT_EQ(refusal("log.dirs=a,ab\nmetadata.log.dir=a").message, "accepted");
  EXPECT_EQ(refusal("log.dirs=a,./x/../a/").message, "a and ./x/../a/ are the same directory");
  EXPECT_EQ(refusal("log.dirs=a,b,a/c").message, "a and a/c lie in one another");
  EXPECT_EQ(refusal("log.dirs=a/b,c\nmetadata.log.dir=a").message, "a/b and a lie in one another");
  EXPECT_EQ(refusal("log.dirs=").message, "log.dirs names no directory, or one without a name");
}

TEST(LoadOptions, TakesAFileThatWasMadeForKafka) {
  const auto options = merge(
      "process.roles=broker,controller\n"
      "node.id=7\n"
      "controller.quorum.bootstrap.servers=localhost:9093\n"
      "listeners=CLIENTS://:9092,CONTROLLER://:9093\n"
      "advertised.listeners=CLIENTS://broker.example:9092,CONTROLLER://broker.example:9093\n"
      "controller.listener.names=CONTROLLER\n"
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT, CLIENTS:PLAINTEXT, SSL:SSL\n"
      "inter.broker.listener.name=CLIENTS\n"
      "listener.name.clients.ssl.keystore.location=/etc/keys\n"
      "super.users=User:admin\n"
      "num.network.threads=3\n"
      "log.dir=/var/lib/kafka\n",
      {}, {});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->log_dirs, std::vector<std::string>{"/var/lib/kafka"});
  EXPECT_EQ(client_listeners(*options)->size(), 1u);
  EXPECT_EQ(client_listeners(*options)->front(), (ListenerAddress{.name = "CLIENTS", .host = "", .port = 9092}));
  EXPECT_EQ(advertised_listeners(*options)->front().host, "broker.example");
  EXPECT_EQ(
      load_notices(*options),
      (std::vector<std::string>{
          "without effect: num.network.threads (`shards` and `blocking.threads` say how many threads there are)",
          "without effect: controller.quorum.bootstrap.servers, inter.broker.listener.name, process.roles (a cluster is one broker so "
          "far)",
          "without effect: listener.name.clients.ssl.keystore.location (there is no TLS yet)",
          "without effect: super.users (there is no authentication or authorization yet)"}));
}

TEST(LoadOptions, SaysNothingAboutSettingsThatAllHaveAnEffect) { EXPECT_TRUE(load_notices(*merge("num.partitions=3\n", {}, {})).empty()); }

TEST(LoadOptions, TakesSeveralListenersEachWithANameOfItsOwn) {
  const std::string map = "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\n";
  const auto options = merge(map + "listeners=A://:1,B://:2\nadvertised.listeners=B://b:3\n", {}, {});
  ASSERT_TRUE(options);
  EXPECT_EQ(client_listeners(*options)->size(), 2U);
  EXPECT_TRUE(load_notices(*options).empty());
  EXPECT_EQ(refusal(map + "listeners=A://:1,A://:2\n").message, "listeners names A twice");
  EXPECT_EQ(refusal(map + "listeners=A://:1\nadvertised.listeners=A://a:1,A://a:2\n").message, "advertised.listeners names A twice");
  EXPECT_EQ(refusal(map + "listeners=A://:1\nadvertised.listeners=A://a:1,B://b:2\n").message,
            "advertised.listeners names B, and there is no such listener");
}

TEST(LoadOptions, TakesTheNewerNameIfBothAreGiven) {
  EXPECT_EQ(merge("broker.id=4\n", {}, {})->node_id, 4);
  EXPECT_EQ(merge("broker.id=4\nnode.id=5\n", {}, {})->node_id, 5);
}

TEST(LoadOptions, ChecksKeysWithoutEffectToo) {
  EXPECT_EQ(refusal("num.io.threads=0").message,
            "server.properties:1: \"0\" is not valid for num.io.threads: out of range (allowed: at least 1)");
  EXPECT_EQ(refusal("group.streams.max.size=5").message, "accepted");
  EXPECT_EQ(refusal("group.consumer.migration.policy=Upgrade").message, "accepted");
  EXPECT_EQ(refusal("group.consumer.migration.policy=sideways").message,
            "server.properties:1: \"sideways\" is not valid for group.consumer.migration.policy: allowed: DISABLED, DOWNGRADE, UPGRADE, "
            "BIDIRECTIONAL");
  EXPECT_EQ(refusal("listener.name.x.ssl.client.auth=maybe").message,
            "server.properties:1: \"maybe\" is not valid for listener.name.x.ssl.client.auth: allowed: required, requested, none");
}

TEST(LoadOptions, RefusesWhatNoGroupCouldSetForItself) {
  EXPECT_EQ(refusal("group.consumer.session.timeout.ms=6000").message,
            "group.consumer.session.timeout.ms=6000 is less than group.consumer.min.session.timeout.ms=45000");
  EXPECT_EQ(refusal("group.consumer.session.timeout.ms=6000\ngroup.consumer.min.session.timeout.ms=6000").message, "accepted");
}

TEST(LoadOptions, SaysWhichFileCannotBeRead) {
  const auto result = load_options("no/such/file.properties", {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "cannot read the configuration file no/such/file.properties: No such file or directory");
}

}  // namespace
}  // namespace tidelog::broker
