#include "broker/config/group_config.h"

#include "broker/config/resource_options.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

BrokerOptions wide_bounds() {
  BrokerOptions options;
  options.group_consumer_min_session_timeout_ms = 1000;
  options.group_consumer_min_heartbeat_interval_ms = 100;
  return options;
}

TEST(ResolveGroupConfig, IsTheBrokersWhereTheGroupHasNothingOfItsOwn) {
  BrokerOptions options;
  options.group_consumer_session_timeout_ms = 50000;

  const GroupConfig nothing_set = resolve_group_config(options, {});
  const GroupConfig one_set = resolve_group_config(options, {{"consumer.heartbeat.interval.ms", " 6000 "}});

  EXPECT_EQ(nothing_set, (GroupConfig{.consumer_session_timeout_ms = 50000}));
  EXPECT_EQ(one_set, (GroupConfig{.consumer_session_timeout_ms = 50000, .consumer_heartbeat_interval_ms = 6000}));
}

TEST(ResolveGroupConfig, TakesTheBoundForWhatLiesBeyondIt) {
  BrokerOptions options;
  options.group_consumer_min_assignment_interval_ms = 500;

  const GroupConfig low = resolve_group_config(options, {{"consumer.session.timeout.ms", "10"}, {"consumer.assignment.interval.ms", "0"}});
  const GroupConfig high = resolve_group_config(options, {{"consumer.session.timeout.ms", "100000"}});

  EXPECT_EQ(low, (GroupConfig{.consumer_session_timeout_ms = 45000, .consumer_assignment_interval_ms = 500}));
  EXPECT_EQ(high, (GroupConfig{.consumer_session_timeout_ms = 60000}));
}

TEST(ResolveGroupConfig, PassesOverWhatALaterVersionMayHaveWritten) {
  EXPECT_EQ(resolve_group_config({}, {{"consumer.session.timeout.ms", "soon"}, {"consumer.of.a.later.version", "1"}}), GroupConfig());
}

TEST(ResolveGroupConfig, KeepsASessionLongerThanAHeartbeat) {
  BrokerOptions options = wide_bounds();
  options.group_consumer_max_session_timeout_ms = 5000;  // Narrowed since the group set its values.
  options.group_consumer_session_timeout_ms = 4000;
  options.group_consumer_heartbeat_interval_ms = 1000;

  const GroupConfig config =
      resolve_group_config(options, {{"consumer.session.timeout.ms", "50000"}, {"consumer.heartbeat.interval.ms", "10000"}});

  EXPECT_EQ(config, (GroupConfig{.consumer_session_timeout_ms = 4000, .consumer_heartbeat_interval_ms = 1000}));
}

std::string refusal(const BrokerOptions& options, const ConfigMap& configs) {
  Suggestions suggestions;
  const Result<void, ConfigError> checked = validate_resource_configs(options, group_options(), configs, suggestions);
  return checked ? "accepted" : checked.error().message;
}

TEST(ValidateGroupConfigs, WantASessionLongerThanAHeartbeat) {
  const BrokerOptions options = wide_bounds();
  EXPECT_EQ(refusal(options, {{"consumer.session.timeout.ms", "6000"}}), "accepted");
  EXPECT_EQ(refusal(options, {{"consumer.session.timeout.ms", "5000"}}),
            "consumer.session.timeout.ms=5000 must be greater than consumer.heartbeat.interval.ms=5000");
  EXPECT_EQ(refusal(options, {{"consumer.session.timeout.ms", "5000"}, {"consumer.heartbeat.interval.ms", "4999"}}), "accepted");
  EXPECT_EQ(refusal(options, {{"share.isolation.level", "read_committed"}}), "accepted");
}

TEST(ValidateGroupConfigs, KeepToTheBrokersBounds) {
  EXPECT_EQ(refusal({}, {{"consumer.assignment.interval.ms", "15001"}}),
            "\"15001\" is not valid for consumer.assignment.interval.ms: the broker allows no more than 15000");
  EXPECT_EQ(refusal({}, {{"consumer.heartbeat.interval.ms", "4999"}}),
            "\"4999\" is not valid for consumer.heartbeat.interval.ms: the broker allows no less than 5000");
  EXPECT_EQ(refusal(wide_bounds(), {{"consumer.heartbeat.interval.ms", "100"}}), "accepted");
}

std::string contradiction(const BrokerOptions& options) {
  const Result<void, ConfigError> checked = check_group_bounds(options);
  return checked ? "none" : checked.error().message;
}

TEST(CheckGroupBounds, NamesWhatContradictsItself) {
  EXPECT_EQ(contradiction({}), "none");
  BrokerOptions short_session;
  short_session.group_consumer_session_timeout_ms = 6000;
  EXPECT_EQ(contradiction(short_session),
            "group.consumer.session.timeout.ms=6000 is less than group.consumer.min.session.timeout.ms=45000");
  BrokerOptions long_interval;
  long_interval.group_consumer_assignment_interval_ms = 20000;
  EXPECT_EQ(contradiction(long_interval),
            "group.consumer.assignment.interval.ms=20000 is more than group.consumer.max.assignment.interval.ms=15000");
  BrokerOptions bounds = wide_bounds();
  bounds.group_consumer_session_timeout_ms = 5000;
  EXPECT_EQ(contradiction(bounds), "group.consumer.session.timeout.ms=5000 must be greater than group.consumer.heartbeat.interval.ms=5000");
}

}  // namespace
}  // namespace tidelog::broker
