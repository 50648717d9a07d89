#include "client/group/calls.h"

#include "proto/messages/consumer_group_heartbeat_request.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

using Heartbeat = proto::ConsumerGroupHeartbeatRequest;

/// What a heartbeat is on the wire; its views are into `out`.
Heartbeat written(const ConsumerCall& call, const MemberSettings& settings, proto::Output& out) {
  Request request = to_request(call, settings, {}, {});
  request.encode(out, request.max_version);
  Heartbeat message;
  EXPECT_TRUE(proto::decode(out.bytes(), request.max_version, message));
  return message;
}

TEST(ConsumerHeartbeat, SaysWhereItRunsWhenItSaysAll) {
  MemberSettings settings;
  settings.rack = "west";
  proto::Output whole, brief, silent;

  EXPECT_EQ(written({.member_id = "m", .epoch = 0, .is_whole = true, .owned = {}}, settings, whole).rack_id, "west");
  EXPECT_EQ(written({.member_id = "m", .epoch = 3, .is_whole = false, .owned = {}}, settings, brief).rack_id.data(), nullptr);
  EXPECT_EQ(written({.member_id = "m", .epoch = 0, .is_whole = true, .owned = {}}, {}, silent).rack_id.data(), nullptr);
}

TEST(ConsumerHeartbeat, NamesAPatternInPlaceOfTopicsToABrokerThatKnowsThem) {
  MemberSettings settings;
  settings.filter = *TopicFilter::compile("logs-.*");
  proto::Output out;
  const ConsumerCall joins{.member_id = "m", .epoch = 0, .is_whole = true, .owned = {}};

  const Heartbeat message = written(joins, settings, out);

  EXPECT_EQ(message.subscribed_topic_regex, "logs-.*");
  EXPECT_TRUE(message.subscribed_topic_names.empty());
  EXPECT_EQ(to_request(joins, settings, {}, {}).min_version, 1);
  EXPECT_EQ(to_request(joins, {}, {}, {}).min_version, 0);
}

}  // namespace
}  // namespace tidelog::core
