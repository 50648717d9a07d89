#include "broker/group/consumer_group.h"
#include "tests/unit/broker/group/consumer_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

// What patterns of members stand for, when it comes to more than their records hold.

namespace tidelog::broker {
namespace {

constexpr int kTopics = 2300;

/// As long as names of topics may be.
std::string long_name(int at) {
  const std::string number = std::to_string(10'000 + at);
  return "x" + number + std::string(240, 'y');
}

ConsumerHeartbeatCall beat_of(const std::string& id, std::int32_t epoch) {
  ConsumerHeartbeatCall call;
  call.group = "g";
  call.member_id = id;
  call.member_epoch = epoch;
  call.client_id = "c";
  call.client_host = "/h";
  return call;
}

ConsumerHeartbeatCall joining(const std::string& id, const std::string& regex) {
  ConsumerHeartbeatCall call = beat_of(id, 0);
  call.rebalance_timeout_ms = 1000;
  call.subscribed_regex = regex;
  call.owned.emplace();
  return call;
}

std::size_t partitions(const ConsumerHeartbeatAnswer& answer) {
  std::size_t count = 0;
  for (const auto& [topic, indexes] : answer.assignment.value_or(PartitionsById{})) count += indexes.size();
  return count;
}

std::size_t largest_pattern(const std::vector<GroupRecord>& records) {
  std::size_t most = 0;
  for (const GroupRecord& record : records) {
    const auto* regex = std::get_if<ConsumerRegexRecord>(&record);
    if (regex != nullptr && regex->value) most = std::max(most, bytes_of_names(regex->value->topics));
  }
  return most;
}

void make_long_names(ConsumerWorld& world) {
  for (int at = 0; at < kTopics; ++at) world.topics.set(long_name(at), 1);
}

TEST(ConsumerGroupPatterns, StandForAllTopicsWhateverARecordHolds) {
  ConsumerWorld world;
  make_long_names(world);

  const ConsumerHeartbeatAnswer answer = world.heartbeat(joining("m", "x.*"));

  EXPECT_EQ(answer.error, ErrorCode::none);
  EXPECT_EQ(partitions(answer), std::size_t{kTopics});
  EXPECT_LE(largest_pattern(world.log.records()), kMostStoredBytes);
  EXPECT_GT(largest_pattern(world.log.records()), kMostStoredBytes / 2) << "as much as there is room for";
}

TEST(ConsumerGroupPatterns, AreWholeAgainAfterAReplay) {
  ConsumerWorld world;
  make_long_names(world);
  const ConsumerHeartbeatAnswer before = world.heartbeat(joining("m", "x.*"));
  const int appends = world.log.appends;

  world.restart(world.log.records());
  const bool reads_the_last = world.group->subscribes_to(long_name(kTopics - 1));
  const ConsumerHeartbeatAnswer after = world.heartbeat(beat_of("m", before.member_epoch));

  EXPECT_TRUE(reads_the_last) << "what it committed there must not expire";
  EXPECT_EQ(after.error, ErrorCode::none);
  EXPECT_EQ(after.member_epoch, before.member_epoch) << "no topic changed";
  EXPECT_EQ(world.log.appends, appends);
}

TEST(ConsumerGroupPatterns, FindWhatChangedBehindTheirRecordWhileNobodyLooked) {
  ConsumerWorld world;
  make_long_names(world);
  const ConsumerHeartbeatAnswer before = world.heartbeat(joining("m", "x.*"));

  world.topics.set(long_name(kTopics), 1);
  world.restart(world.log.records());
  const ConsumerHeartbeatAnswer after = world.heartbeat(beat_of("m", before.member_epoch));

  EXPECT_EQ(after.member_epoch, before.member_epoch + 1);
  EXPECT_EQ(partitions(after), std::size_t{kTopics} + 1);
}

TEST(ConsumerGroupPatterns, GoOnTogetherHoweverManyATopicMatches) {
  ConsumerWorld world;
  make_long_names(world);
  std::map<std::string, std::int32_t> epochs;
  std::string regex = "x.*";
  for (int at = 0; at < 30; ++at, regex += 'y') {
    const std::string id = "m" + std::to_string(at);
    const ConsumerHeartbeatAnswer joined = world.heartbeat(joining(id, regex));
    ASSERT_EQ(joined.error, ErrorCode::none) << id << ": " << joined.error_message;
    epochs[id] = joined.member_epoch;
  }

  world.topics.set(long_name(-1), 1);  // Before all others: every record changes.
  const ConsumerHeartbeatAnswer first = world.heartbeat(beat_of("m0", epochs["m0"]));
  const ConsumerHeartbeatAnswer newcomer = world.heartbeat(joining("new", "x.*"));

  EXPECT_EQ(first.error, ErrorCode::none) << first.error_message;
  EXPECT_EQ(newcomer.error, ErrorCode::none);
  EXPECT_TRUE(world.group->subscribes_to(long_name(-1)));
  EXPECT_TRUE(world.group->is_sound());
  EXPECT_EQ(ConsumerWorld::replayed(world.log.records())->snapshot(), world.group->snapshot());
}

TEST(ConsumerGroupPatterns, ARefusalBetweenThemLosesNoChange) {
  ConsumerWorld world;
  make_long_names(world);
  const std::int32_t a = world.heartbeat(joining("a", "x.*")).member_epoch;
  (void)world.heartbeat(joining("b", "x.*y"));
  const std::int32_t before = world.group->describe().epoch;
  world.topics.set(long_name(-1), 1);
  world.log.passed = 1;  // One pattern is stored, what goes with it is not.
  world.log.refused = 1;

  const ConsumerHeartbeatAnswer refused = world.heartbeat(beat_of("a", a));
  const std::int32_t meanwhile = world.group->describe().epoch;
  world.restart(world.log.records());
  const ConsumerHeartbeatAnswer again = world.heartbeat(beat_of("a", a));

  EXPECT_EQ(refused.error, ErrorCode::not_coordinator);
  EXPECT_EQ(meanwhile, before);
  EXPECT_EQ(again.error, ErrorCode::none);
  EXPECT_EQ(world.group->describe().epoch, before + 1);
}

TEST(ConsumerGroupStep, ThatNoBatchHasRoomForSaysSo) {
  ConsumerWorld world;
  world.topics.set("x", 1);
  world.log.most_bytes = 20;

  const ConsumerHeartbeatAnswer answer = world.heartbeat(joining("m", "x.*"));

  EXPECT_EQ(answer.error, ErrorCode::unknown_server_error);
  EXPECT_NE(answer.error_message.find("max.message.bytes"), std::string::npos);
}

TEST(ConsumerGroupPatterns, TakeNoMemoryThatGroupsDoNotHave) {
  ConsumerWorld world;
  make_long_names(world);
  GroupRoom room{.for_known = 100'000, .for_newcomers = 100'000, .asked_by = "h"};
  Step step = world.step();
  step.room = &room;

  const ConsumerHeartbeatAnswer answer = world.group->heartbeat(joining("m", "x.*"), step);

  EXPECT_EQ(answer.error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(world.log.appends, 0);
}

}  // namespace
}  // namespace tidelog::broker
