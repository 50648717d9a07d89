#include "broker/group/consumer_group.h"

#include "broker/group/topic_pattern.h"
#include "tests/unit/broker/group/consumer_world.h"

#include <gtest/gtest.h>

#include <limits>

// Bounds, and logs that no broker wrote.

namespace tidelog::broker {
namespace {

ConsumerHeartbeatCall joining(const std::string& id, std::string regex = {}) {
  return {.group = "g",
          .member_id = id,
          .fresh_member_id = {},
          .member_epoch = 0,
          .client_id = "c",
          .client_host = "/h",
          .rebalance_timeout_ms = 1000,
          .subscribed_names = std::vector<std::string>{"t"},
          .subscribed_regex = std::move(regex),
          .owned = PartitionsById{}};
}

ConsumerMemberRecord known(const std::string& id) {
  return {.group = "g", .member = id, .value = ConsumerMemberRecord::Value{.client_id = {}, .client_host = {}, .subscribed_names = {"t"}}};
}

ConsumerCurrentMemberRecord having(const std::string& id, std::int32_t epoch, std::vector<std::int32_t> partitions) {
  ConsumerCurrentMemberRecord::Value value{.member_epoch = epoch};
  Uuid topic;
  topic.bytes.back() = std::byte{1};  // As the world's first.
  value.assigned = {{topic, std::move(partitions)}};
  return {.group = "g", .member = id, .value = std::move(value)};
}

TEST(ConsumerGroupTick, FencesNoMoreAtOnceThanALogTakes) {
  ConsumerWorld world;
  for (std::size_t at = 0; at < ConsumerGroup::kMostFencedAtOnce + 10; ++at) world.heartbeat(joining("m" + std::to_string(at)));
  world.now = world.settings.consumer_session_timeout;
  Step step = world.step();

  world.group->tick(step);
  const std::size_t left = world.group->describe().members.size();
  world.group->tick(step);

  EXPECT_EQ(left, 10U);
  EXPECT_TRUE(world.group->is_empty());
}

TEST(ConsumerGroupTick, LooksAtNobodyBeforeSomethingCanBeDue) {
  ConsumerWorld world;
  world.heartbeat(joining("a"));
  world.now = std::chrono::seconds(40);
  world.heartbeat(joining("a"));

  EXPECT_EQ(world.group->wake_at(), Moment(std::chrono::seconds(45)));  // Too early is allowed.
  world.advance(std::chrono::seconds(45));

  EXPECT_EQ(world.group->wake_at(), Moment(std::chrono::seconds(85)));
}

TEST(ConsumerGroupPatterns, AreOnlySoMany) {
  ConsumerWorld world;
  for (std::size_t at = 0; at < ConsumerGroup::kMostPatterns; ++at) {
    const std::string n = std::to_string(at);
    ASSERT_EQ(world.heartbeat(joining("m" + n, "p" + n)).error, ErrorCode::none);
  }

  const ConsumerHeartbeatAnswer one_more = world.heartbeat(joining("m", "p"));
  const ConsumerHeartbeatAnswer the_same = world.heartbeat(joining("m", "p7"));

  EXPECT_EQ(one_more.error, ErrorCode::invalid_request);
  EXPECT_EQ(the_same.error, ErrorCode::none);
}

TEST(ConsumerGroupPatterns, AreOnlySoLong) {
  ConsumerWorld world;

  EXPECT_EQ(world.heartbeat(joining("m", std::string(TopicPattern::kMostBytes + 1, 'a'))).error, ErrorCode::invalid_regular_expression);
  EXPECT_EQ(world.heartbeat(joining("m", "(((a{100}){100}){100})")).error, ErrorCode::invalid_regular_expression);
  EXPECT_FALSE(world.log.appends > 0);
}

TEST(ConsumerGroupPatterns, NameTheirGroupsEitherWay) {
  const auto matches = [](const std::string& regex, std::string_view topic) {
    const Result<TopicPattern, std::string> pattern = TopicPattern::compile(regex);
    return pattern && pattern->matches(topic);
  };

  EXPECT_TRUE(matches("(?<a>x)-(?P<b>y)(?<c>(?<d>z)*)", "x-yzz"));
  EXPECT_TRUE(matches(R"(\Q(?<a>\E(?<b>x))", "(?<a>x"));
  EXPECT_TRUE(matches(R"(\\(?<b>x))", R"(\x)"));
  EXPECT_TRUE(matches("[]([:digit:]?<]+(?<b>x)", "](7?<x"));
  EXPECT_TRUE(matches(R"([^\](?<]+)", "abc"));
  EXPECT_TRUE(matches(R"([^\](?<]+)", "P")) << "nothing is added within a class";
  EXPECT_FALSE(matches("[(?<]+", "P")) << "nothing is added within a class";
}

TEST(ConsumerGroupPatterns, ThatKafkaRefusesAreRefused) {
  for (const char* regex : {"(?<=a)b", "(?<!a)b", R"(a\Cb)", "(?<a", "(?<>x)", "[(?<", R"(\Q\E\C)"}) {
    EXPECT_FALSE(TopicPattern::compile(regex)) << regex;
  }
  EXPECT_TRUE(TopicPattern::compile(R"(\Q\C\E\\C)"));
}

TEST(ConsumerGroupHeartbeat, ATimeoutBelowNothingIsNoTimeAtAll) {
  ConsumerWorld world;
  world.topics.set("t", 2);
  ConsumerHeartbeatCall call = joining("a");
  call.rebalance_timeout_ms = -9;
  const ConsumerHeartbeatAnswer a = world.heartbeat(call);
  ASSERT_EQ(a.error, ErrorCode::none);

  (void)world.heartbeat(joining("b"));
  ConsumerHeartbeatCall beat = call;
  beat.member_epoch = a.member_epoch;
  beat.owned.reset();
  ASSERT_EQ(world.heartbeat(beat).error, ErrorCode::none);  // It is told to give up a partition.
  world.advance(world.now);

  EXPECT_EQ(world.heartbeat(beat).error, ErrorCode::unknown_member_id);
}

TEST(ConsumerGroupReplay, LeavesWhatNobodyIsKnownToHaveFree) {
  ConsumerWorld world;
  world.topics.set("t", 2);
  world.restart({having("ghost", 7, {0, 1})});

  const ConsumerHeartbeatAnswer answer = world.heartbeat(joining("a"));

  EXPECT_TRUE(world.group->is_sound());
  EXPECT_EQ(answer.assignment, having("", 0, {0, 1}).value->assigned);
}

TEST(ConsumerGroupReplay, TakesRecordsOfAMemberInAnyOrder) {
  const std::vector<GroupRecord> records{known("a"), having("a", 1, {0, 1})};
  const std::vector<GroupRecord> turned{records[1], records[0]};

  EXPECT_EQ(ConsumerWorld::replayed(records)->snapshot(), ConsumerWorld::replayed(turned)->snapshot());
  EXPECT_TRUE(ConsumerWorld::replayed(turned)->is_sound());
}

TEST(ConsumerGroupReplay, GivesWhatTwoHaveToNobodyElse) {
  ConsumerWorld world;
  world.topics.set("t", 1);
  world.restart({known("a"), known("b"), having("a", 1, {0}), having("b", 1, {0})});

  const ConsumerHeartbeatAnswer answer = world.heartbeat(joining("c"));

  EXPECT_EQ(answer.assignment, PartitionsById{});
}

TEST(ConsumerGroupReplay, GoesOnAfterEpochsThatFitNothing) {
  ConsumerWorld world;
  world.topics.set("t", 1);
  constexpr std::int32_t kLast = std::numeric_limits<std::int32_t>::max();
  for (const std::int32_t target : {0, 9, kLast}) {
    for (const std::int32_t group : {-5, 3, kLast}) {
      world.restart({known("a"), having("a", 12, {0}), ConsumerGroupRecord{"g", ConsumerGroupRecord::Value{.epoch = group}},
                     ConsumerTargetEpochRecord{"g", ConsumerTargetEpochRecord::Value{.assignment_epoch = target}}});

      EXPECT_EQ(world.heartbeat(joining("b")).error, ErrorCode::none) << group << " and " << target;
      EXPECT_EQ(world.heartbeat(joining("a")).error, ErrorCode::none) << group << " and " << target;
    }
  }
}

TEST(ConsumerGroupReplay, FencesAMemberInAStateOfALaterVersion) {
  ConsumerWorld world;
  world.topics.set("t", 1);
  ConsumerCurrentMemberRecord later = having("a", 1, {0});
  later.value->state = MemberState::unknown;
  world.restart({known("a"), later});
  ConsumerHeartbeatCall beat = joining("a");
  beat.member_epoch = 1;
  beat.owned.reset();

  EXPECT_EQ(world.heartbeat(beat).error, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(world.heartbeat(joining("a")).error, ErrorCode::none);
}

TEST(ConsumerGroupReplay, KeepsClassicMembersAsTheyWereStored) {
  ConsumerWorld world;
  ConsumerMemberRecord classic = known("a");
  classic.value->classic = ConsumerMemberRecord::Classic{.session_timeout_ms = 5000, .protocols = {{.name = "range", .metadata = {}}}};
  world.restart({classic});

  EXPECT_TRUE(world.group->describe().members.at(0).is_classic);
  EXPECT_EQ(world.group->wake_at(), Moment(std::chrono::seconds(5)));
  EXPECT_EQ(std::get<ConsumerMemberRecord>(world.group->snapshot().at(1)), classic);
  EXPECT_EQ(world.group->may_fetch("a", 9), ErrorCode::illegal_generation);
}

TEST(ConsumerGroupCheapBeat, StoresNothing) {
  ConsumerWorld world;
  world.topics.set("t", 3);
  ConsumerHeartbeatCall beat = joining("a");
  const ConsumerHeartbeatAnswer answer = world.heartbeat(beat);
  beat.member_epoch = answer.member_epoch;
  beat.owned = answer.assignment;
  const int before = world.log.appends;

  world.heartbeat(beat);
  world.topics.set("another", 3);
  world.heartbeat(beat);

  EXPECT_EQ(world.log.appends, before);
}

}  // namespace
}  // namespace tidelog::broker
