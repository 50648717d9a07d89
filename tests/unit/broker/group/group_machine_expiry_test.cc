#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr milliseconds kRetention = hours(24);

MachineWorld world_with_a_day_of_retention() {
  MachineWorld world;
  world.settings.offsets_retention = kRetention;
  world.settings.max_session_timeout = hours(1000);
  world.settings.consumer_session_timeout = hours(1000);
  for (const char* topic : {"t", "u"}) world.topics.create(topic, 4);
  return world;
}

/// Sessions last longer than any of these tests.
void make_stable(MachineWorld& world, const std::string& group, std::vector<std::string> topics) {
  JoinCall call = MachineWorld::join_call(group, "m", std::move(topics));
  call.session_timeout = hours(500);
  (void)world.join(call);
  world.tick();
  Step step = world.step();
  SyncCall sync;
  sync.ticket = 2;
  sync.group = group;
  sync.generation = 1;
  sync.member_id = "m";
  (void)world.machine->sync(sync, step);
  ASSERT_EQ(world.machine->describe_classic(group)->state, "Stable");
}

void commit_as_member(MachineWorld& world, const std::string& group, std::int32_t generation, const std::string& topic) {
  const CommitCall call{
      .group = group, .generation_or_epoch = generation, .member_id = "m", .instance_id = {}, .topics = {world.topic_at(topic, 0, 1)}};
  ASSERT_EQ(world.commit(call).partitions, std::vector{ErrorCode::none});
}

std::string topics_of(const MachineWorld& world, const std::string& group) {
  std::string topics;
  for (const StoredOffset& offset : *world.machine->offsets(group)) topics += offset.topic();
  return topics;
}

bool knows(const MachineWorld& world, const std::string& group) { return world.machine->offsets(group) != nullptr; }

// A crash may fall between the end of a topic and that of what was committed for it.
TEST(GroupExpiry, OfAnEarlierTopicOfTheSameNameIsAtOnce) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  (void)world.commit("g", "u", 0, 1);
  world.topics.create("t", 4);

  world.expire();

  EXPECT_EQ(topics_of(world, "g"), "u");
}

TEST(GroupExpiry, OfASimpleGroupCountsFromEachCommit) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  world.now += hours(1);
  (void)world.commit("g", "u", 0, 1);

  world.now = kRetention - milliseconds(1);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "tu");
  world.now = kRetention;
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "u");
  world.now += hours(1);
  world.expire();
  EXPECT_FALSE(knows(world, "g"));
  EXPECT_EQ(std::get<ClassicGroupRecord>(world.log.records().back()), (ClassicGroupRecord{.group = "g", .value = {}}));
}

TEST(GroupExpiry, ATimeOfItsOwnWins) {
  MachineWorld world = world_with_a_day_of_retention();
  CommitCall call{.group = "g", .member_id = {}, .instance_id = {}, .retention_ms = 1000, .topics = {world.topic_at("t", 0, 1)}};
  (void)world.commit(call);
  call.retention_ms = 2 * kRetention.count();
  call.topics = {world.topic_at("u", 0, 1)};
  (void)world.commit(call);

  world.now = milliseconds(999);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "tu");
  world.now = milliseconds(1000);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "u");
  world.now = 2 * kRetention - milliseconds(1);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "u");
}

TEST(GroupExpiry, OfAClassicGroupWithMembersTakesOnlyTopicsThatNobodyReads) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  (void)world.commit("g", "u", 0, 1);
  make_stable(world, "g", {"t"});

  world.now = 2 * kRetention;
  world.expire();

  EXPECT_EQ(topics_of(world, "g"), "t");
}

TEST(GroupExpiry, OfAGroupThatIsNotOfConsumersTakesNothingWhileItHasMembers) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  JoinCall call = MachineWorld::join_call("g", "m");
  call.protocol_type = "connect";
  call.session_timeout = hours(500);
  (void)world.join(call);
  world.tick();

  world.now = 2 * kRetention;
  world.expire();

  EXPECT_EQ(topics_of(world, "g"), "t");
}

TEST(GroupExpiry, OfAGroupThatBecameEmptyCountsFromThereOrFromALaterCommit) {
  MachineWorld world = world_with_a_day_of_retention();
  make_stable(world, "g", {"t"});
  commit_as_member(world, "g", 1, "t");
  world.now = hours(10);
  world.leave("g", "m");
  world.now = hours(20);
  ASSERT_EQ(world.commit("g", "u", 0, 5), ErrorCode::none);

  world.now = hours(10) + kRetention - milliseconds(1);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "tu");
  world.now = hours(10) + kRetention;
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "u");
  EXPECT_EQ(world.machine->describe_classic("g")->protocol_type, "consumer");
  world.now = hours(20) + kRetention;
  world.expire();
  EXPECT_FALSE(knows(world, "g"));
}

TEST(GroupExpiry, OfAnEmptyConsumerGroupCountsFromTheCommitHoweverOftenItIsLoaded) {
  MachineWorld world = world_with_a_day_of_retention();
  const auto joined = world.join_consumer_group("g", "m", {"t"});
  commit_as_member(world, "g", joined.member_epoch, "t");
  world.now = hours(10);
  ASSERT_EQ(world.beat(MachineWorld::beat_call("g", "m", -1)).error, ErrorCode::none);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "t");

  for (; world.now < kRetention; world.now += hours(2)) {
    world.restart();
    world.expire();
    ASSERT_EQ(topics_of(world, "g"), "t") << world.now.count();
  }
  world.restart();
  world.expire();

  EXPECT_FALSE(knows(world, "g"));
}

TEST(GroupExpiry, OfAConsumerGroupThatWasSeenToBecomeEmptyCountsFromThere) {
  MachineWorld world = world_with_a_day_of_retention();
  const auto joined = world.join_consumer_group("g", "m", {"t"});
  commit_as_member(world, "g", joined.member_epoch, "t");
  world.now = hours(10);
  ASSERT_EQ(world.beat(MachineWorld::beat_call("g", "m", -1)).error, ErrorCode::none);

  world.now = hours(10) + kRetention - milliseconds(1);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "t");
  world.now = hours(10) + kRetention;
  world.expire();
  EXPECT_FALSE(knows(world, "g"));
}

TEST(GroupExpiry, OfAConsumerGroupTakesTopicsThatNobodyReads) {
  MachineWorld world = world_with_a_day_of_retention();
  const auto joined = world.join_consumer_group("g", "m", {"t"});
  ASSERT_EQ(joined.error, ErrorCode::none);
  commit_as_member(world, "g", joined.member_epoch, "t");
  commit_as_member(world, "g", joined.member_epoch, "u");

  world.now = kRetention;
  world.expire();

  EXPECT_EQ(topics_of(world, "g"), "t");
}

TEST(GroupExpiry, AnEmptyGroupWithoutOffsetsGoesAtTheNextCheck) {
  MachineWorld world = world_with_a_day_of_retention();
  make_stable(world, "classic", {"t"});
  ASSERT_EQ(world.join_consumer_group("consumer", "m", {"t"}).error, ErrorCode::none);
  world.expire();
  EXPECT_EQ(world.machine->group_count(), 2U);
  world.leave("classic", "m");
  ASSERT_EQ(world.beat(MachineWorld::beat_call("consumer", "m", -1)).error, ErrorCode::none);
  EXPECT_EQ(world.machine->group_count(), 2U);

  world.expire();

  EXPECT_EQ(world.machine->group_count(), 0U);
  EXPECT_EQ(MachineWorld::replayed(world.log.records())->group_count(), 0U);
}

TEST(GroupExpiry, AGroupWaitsForAMemberThatWasToldToComeAgain) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  world.now = kRetention;
  JoinCall call = MachineWorld::join_call("g", "m");
  call.must_know_its_id = true;
  ASSERT_EQ(world.join(call).error, ErrorCode::member_id_required);
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "");

  call.member_id = "m";
  EXPECT_NE(world.join(call).error, ErrorCode::unknown_member_id);
}

TEST(GroupExpiry, ChecksABoundedNumberAndGoesOnByTheClock) {
  MachineWorld world = world_with_a_day_of_retention();
  constexpr int kOffsets = 5500;
  CommitCall call{.group = "b", .member_id = {}, .instance_id = {}, .topics = {world.topic_at("t", 0, 1)}};
  for (int i = 1; i < kOffsets; ++i) call.topics[0].partitions.push_back({.index = i, .offset = 1, .leader_epoch = -1, .metadata = {}});
  (void)world.commit(call);
  (void)world.commit("a", "t", 0, 1);
  (void)world.commit("c", "t", 0, 1);
  world.log.batches.clear();
  world.now = kRetention;
  EXPECT_FALSE(world.machine->wake_at());

  world.expire();

  EXPECT_EQ(world.log.batches.size(), 1U);
  int steps = 1;
  for (; world.machine->wake_at(); ++steps) {
    ASSERT_LE(*world.machine->wake_at(), world.now);
    ASSERT_LT(steps, 100);
    world.tick();
    world.expire();  // One that comes while another is on its way adds nothing but speed.
  }
  EXPECT_GT(steps, 1);
  EXPECT_EQ(world.machine->group_count(), 0U);
  for (const auto& batch : world.log.batches) EXPECT_LE(batch.size(), 1001U);
  EXPECT_EQ(world.log.records().size(), kOffsets + 2U + 3U);
}

TEST(GroupExpiry, WhatStaysIsLookedAtInBoundedStepsToo) {
  MachineWorld world = world_with_a_day_of_retention();
  for (int group = 0; group < 50'000; ++group) (void)world.commit("g" + std::to_string(group), "t", 0, 1);
  world.log.batches.clear();

  world.expire();
  int steps = 1;
  for (; world.machine->wake_at(); ++steps) world.tick();

  EXPECT_GT(steps, 2);
  EXPECT_LT(steps, 10);
  EXPECT_TRUE(world.log.batches.empty());
}

TEST(GroupExpiry, OneThatIsRefusedLeavesAllAndTriesAgainAtTheNextCheck) {
  MachineWorld world = world_with_a_day_of_retention();
  (void)world.commit("g", "t", 0, 1);
  world.now = kRetention;
  world.log.refusal = ErrorCode::coordinator_not_available;
  world.expire();
  EXPECT_EQ(topics_of(world, "g"), "t");
  EXPECT_FALSE(world.machine->wake_at());

  world.log.refusal.reset();
  world.expire();
  EXPECT_FALSE(knows(world, "g"));
}

TEST(GroupExpiry, TimesThatMakeNoSenseExpireNothingEarly) {
  MachineWorld world = world_with_a_day_of_retention();
  for (const std::int64_t at : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
    const OffsetRecord::Value value{.offset = Offset{1}, .metadata = {}, .committed_at = TimestampMs{at}, .topic_id = {}};
    world.machine->replay(OffsetRecord{.group = "g" + std::to_string(at), .topic = "t", .partition = PartitionIndex{0}, .value = value});
  }
  world.expire();
  EXPECT_EQ(world.machine->group_count(), 1U);
  EXPECT_TRUE(knows(world, "g9223372036854775807"));
}

}  // namespace
}  // namespace tidelog::broker
