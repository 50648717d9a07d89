#include "client/settings.h"
#include "client/text/edit_distance.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

TEST(ClientConfig, AnUnknownKeyNamesTheOneThatWasMeant) {
  const result<void> valid = config().set("linger.mss", "5").validate();
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().kind(), errc::invalid_config);
  EXPECT_EQ(valid.error().hint(), "did you mean \"linger.ms\"?");
}

TEST(ClientConfig, TakesLibrdkafkasNames) {
  const auto settings =
      read_settings(config().set("metadata.broker.list", "a:1").set("compression.codec", "lz4").set("message.timeout.ms", "7"));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->bootstrap.front(), (Address{.host = "a", .port = 1}));
  EXPECT_EQ(settings->codec, proto::Codec::lz4);
  EXPECT_EQ(settings->delivery_timeout, Milliseconds(7));
}

TEST(ClientConfig, RefusesValuesThatAreNone) {
  for (const auto& [key, value] : {std::pair{"linger.ms", "soon"},
                                   {"linger.ms", "-1"},
                                   {"linger.ms", "5x"},
                                   {"linger.ms", ""},
                                   {"acks", "2"},
                                   {"compression.type", "brotli"},
                                   {"check.crcs", "yes"},
                                   {"group.protocol", "streams"},
                                   {"partition.assignment.strategy", "fair"},
                                   {"partition.assignment.strategy", ""},
                                   {"enable.auto.commit", "1"},
                                   {"isolation.level", "read_committed"}}) {
    EXPECT_FALSE(config().set(key, value).validate()) << key << "=" << value;
  }
}

TEST(ClientConfig, TakesTheSettingsOfGroups) {
  config settings;
  settings.set("group.id", "g").set("group.protocol", "consumer").set("group.instance.id", "i").set("group.remote.assignor", "range");
  settings.set("partition.assignment.strategy", "roundrobin,org.apache.kafka.clients.consumer.RangeAssignor,cooperative-sticky");
  settings.set("session.timeout.ms", "6000").set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");

  const auto read = read_settings(settings);

  ASSERT_TRUE(read);
  EXPECT_EQ(read->group_id, "g");
  EXPECT_EQ(read->group_protocol, GroupProtocol::consumer);
  EXPECT_EQ(read->group_instance_id, "i");
  EXPECT_EQ(read->group_remote_assignor, "range");
  EXPECT_EQ(read->assignors, (std::vector{Assignor::round_robin, Assignor::range, Assignor::cooperative_sticky}));
  EXPECT_EQ(read->session_timeout, Milliseconds(6'000));
  EXPECT_FALSE(read->commits_by_itself);
  EXPECT_EQ(read->offset_reset, OffsetReset::earliest);
  EXPECT_EQ(read_settings(config())->offset_reset, std::nullopt);
}

TEST(ClientConfig, NamesTheGroupSettingThatWasMeant) {
  EXPECT_EQ(config().set("group.protocl", "classic").validate().error().hint(), "did you mean \"group.protocol\"?");
  EXPECT_EQ(config().set("sesion.timeout.ms", "1").validate().error().hint(), "did you mean \"session.timeout.ms\"?");
}

TEST(ClientConfig, WeakerAcksTurnIdempotenceOffUnlessItWasAskedFor) {
  EXPECT_FALSE(read_settings(config().set("acks", "1"))->is_idempotent);
  EXPECT_FALSE(config().set("acks", "1").set("enable.idempotence", "true").validate());
}

TEST(ClientConfig, TheDocumentedDefaultsAreTheRealOnes) {
  const Settings defaults;
  for (const config_key& key : config::keys()) {
    if (key.default_value().empty()) continue;
    const auto settings = read_settings(config().set(key.name(), key.default_value()));
    ASSERT_TRUE(settings) << key.name();
    EXPECT_EQ(settings->linger, defaults.linger) << key.name();
    EXPECT_EQ(settings->batch_bytes, defaults.batch_bytes) << key.name();
    EXPECT_EQ(settings->is_idempotent, defaults.is_idempotent) << key.name();
    EXPECT_EQ(settings->fetch_max_bytes, defaults.fetch_max_bytes) << key.name();
    EXPECT_EQ(settings->request_timeout, defaults.request_timeout) << key.name();
    EXPECT_EQ(settings->receive_max_bytes, defaults.receive_max_bytes) << key.name();
    EXPECT_EQ(settings->session_timeout, defaults.session_timeout) << key.name();
    EXPECT_EQ(settings->heartbeat_interval, defaults.heartbeat_interval) << key.name();
    EXPECT_EQ(settings->max_poll_interval, defaults.max_poll_interval) << key.name();
    EXPECT_EQ(settings->commit_interval, defaults.commit_interval) << key.name();
    EXPECT_EQ(settings->commits_by_itself, defaults.commits_by_itself) << key.name();
    EXPECT_EQ(settings->group_protocol, defaults.group_protocol) << key.name();
    EXPECT_EQ(settings->assignors, defaults.assignors) << key.name();
  }
}

TEST(ParseAddress, TakesHostsPortsAndV6) {
  EXPECT_EQ(*parse_address("host"), (Address{.host = "host", .port = 9092}));
  EXPECT_EQ(*parse_address(" host:1 "), (Address{.host = "host", .port = 1}));
  EXPECT_EQ(*parse_address("[::1]:5"), (Address{.host = "::1", .port = 5}));
  EXPECT_EQ(*parse_address("[::1]"), (Address{.host = "::1", .port = 9092}));
}

TEST(ParseAddress, RefusesWhatIsNone) {
  for (const char* text : {"", ":1", "host:", "host:x", "host:0", "host:70000", "http://host:1", "::1"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(ClosestWord, FindsSwapsAndSlipsButNoStrangers) {
  constexpr std::string_view kWords[] = {"create", "delete", "describe", "list"};
  EXPECT_EQ(closest_word("crate", kWords), "create");
  EXPECT_EQ(closest_word("delte", kWords), "delete");
  EXPECT_EQ(closest_word("lsit", kWords), "list");
  EXPECT_EQ(closest_word("desc", kWords), "describe");
  EXPECT_EQ(closest_word("zookeeper", kWords), "");
}

TEST(Error, NamesTheCodeTheReasonAndAWayOut) {
  const error why = error::from_kafka(3, "cannot describe topic \"logs\"").set_topic("logs");
  EXPECT_EQ(why.kind(), errc::not_found);
  EXPECT_EQ(why.code_name(), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(why.message(), "cannot describe topic \"logs\": there is no such topic or partition");
  EXPECT_EQ(why.hint(), "tidelog topic list");
}

TEST(Error, PrefersWhatTheBrokerSays) {
  const error why = error::from_kafka(40, "cannot create topic \"logs\"", "Unknown topic config name: foo.");
  EXPECT_EQ(why.message(), "cannot create topic \"logs\": Unknown topic config name: foo");
  EXPECT_EQ(why.server_text(), "Unknown topic config name: foo.");
}

TEST(Result, ValueThrowsWhatFailed) {
  const result<int> failed = error(errc::timed_out, "too late");
  try {
    (void)failed.value();
    FAIL() << "nothing was thrown";
  } catch (const exception& thrown) {
    EXPECT_EQ(thrown.cause().kind(), errc::timed_out);
    EXPECT_STREQ(thrown.what(), "too late");
  }
}

}  // namespace
}  // namespace tidelog::core
