#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

using enum ErrorCode;

/// No more than what is kept now.
class FullWorld : public ::testing::Test {
 protected:
  FullWorld() {
    world.topics.create("logs", 4);
    world.room = &room;
  }
  void fill() { room.for_known = room.for_newcomers = 0; }
  /// Only those who are known may have more.
  void fill_for_newcomers() { room.for_newcomers = 0; }

  ErrorCode commit(std::int32_t partition, std::optional<std::string> metadata = {}) {
    CommitCall::Topic topic = world.topic_at("logs", partition, 10);
    topic.partitions.front().metadata = std::move(metadata);
    return world.commit(CommitCall{.group = "g", .member_id = {}, .instance_id = {}, .topics = {topic}}).partitions.at(0);
  }
  ErrorCode sync(const std::string& id, std::int32_t generation, std::size_t assigned_bytes) {
    SyncCall call;
    call.ticket = 7;
    call.group = "g";
    call.generation = generation;
    call.member_id = id;
    call.assignments = {{.member_id = id, .bytes = OwnedBytes(assigned_bytes)}};
    Step step = world.step();
    return world.machine->sync(call, step).value().error;
  }

  GroupRoom room;
  MachineWorld world;
};

TEST_F(FullWorld, KnownOffsetsMoveOnAndNewOnesAreRefused) {
  ASSERT_EQ(commit(0, "note"), none);
  fill();
  EXPECT_EQ(commit(0, "note"), none);
  EXPECT_EQ(commit(0, "no"), none);
  EXPECT_EQ(commit(0, "a longer note"), invalid_commit_offset_size);
  EXPECT_EQ(commit(1), invalid_commit_offset_size);
  EXPECT_EQ(world.commit("another", "logs", 0, 1), invalid_commit_offset_size);
  EXPECT_EQ(world.machine->offsets("another"), nullptr);
  EXPECT_EQ(room.refused, 3U);
}

TEST_F(FullWorld, OneRefusedOffsetDoesNotRefuseTheOthersOfItsRequest) {
  ASSERT_EQ(commit(0), none);
  fill();
  CommitCall call{
      .group = "g", .member_id = {}, .instance_id = {}, .topics = {world.topic_at("logs", 0, 20), world.topic_at("logs", 1, 20)}};
  EXPECT_EQ(world.commit(call).partitions, (std::vector{none, invalid_commit_offset_size}));
  EXPECT_EQ(world.machine->offsets("g")->find({"logs", PartitionIndex{0}})->offset(), Offset{20});
}

TEST_F(FullWorld, WhatIsLeftForTheKnownIsNotForNewcomers) {
  ASSERT_EQ(commit(0), none);
  fill_for_newcomers();
  EXPECT_EQ(commit(1), none);
  EXPECT_EQ(world.commit("another", "logs", 0, 1), invalid_commit_offset_size);
  EXPECT_EQ(world.join(MachineWorld::join_call("another", "m", {"logs"})).error, group_max_size_reached);
  EXPECT_EQ(world.join_consumer_group("another", "m", {"logs"}).error, group_max_size_reached);
  EXPECT_EQ(world.machine->group_count(), 1U);
}

TEST_F(FullWorld, OneStepTakesFromTheRoomAsItGoes) {
  room.for_known = room.for_newcomers = 4096;
  CommitCall::Topic topic = world.topic_at("logs", 0, 1);
  topic.partitions.clear();
  for (std::int32_t i = 0; i < 100; ++i)
    topic.partitions.push_back({.index = i, .offset = 1, .leader_epoch = -1, .metadata = std::string(100, 'x')});
  const CommitAnswer answer = world.commit({.group = "g", .member_id = {}, .instance_id = {}, .topics = {topic}});
  const auto stored = std::ranges::count(answer.partitions, none);
  EXPECT_GT(stored, 1);
  EXPECT_LT(stored, 40);
  EXPECT_LE(world.machine->bytes(), 4096U + 2048U);
}

TEST_F(FullWorld, ClassicMembersGoOnAndNobodyComes) {
  world.make_stable("g", "m", {"logs"});
  fill();
  EXPECT_EQ(world.join(MachineWorld::join_call("g", "other", {"logs"})).error, group_max_size_reached);
  JoinCall again = MachineWorld::join_call("g", "", {"logs"});
  again.member_id = "m";
  EXPECT_EQ(world.join(again).error, none);
  again.protocols = {{.name = "range", .metadata = MachineWorld::subscription({"logs", "another topic"})}};
  EXPECT_EQ(world.join(again).error, group_max_size_reached);
  EXPECT_EQ(sync("m", 2, 0), none);
  EXPECT_EQ(world.machine->describe_classic("g")->members.size(), 1U);
  world.leave("g", "m");
  EXPECT_EQ(world.machine->describe_classic("g")->members.size(), 0U);
}

TEST_F(FullWorld, AnAssignmentThatHasNoRoomIsRefusedAndTheGroupBeginsAnew) {
  const JoinAnswer joined = world.join(MachineWorld::join_call("g", "m", {"logs"}));
  ASSERT_EQ(joined.error, none);
  fill();
  EXPECT_EQ(sync("m", joined.generation, 1000), group_max_size_reached);
  EXPECT_EQ(world.machine->describe_classic("g")->state, "PreparingRebalance");
}

TEST_F(FullWorld, MembersOfTheConsumerProtocolGoOnAndNobodyComes) {
  const ConsumerHeartbeatAnswer joined = world.join_consumer_group("g", "m", {"logs"});
  ASSERT_EQ(joined.error, none);
  fill();
  EXPECT_EQ(world.join_consumer_group("g", "other", {"logs"}).error, group_max_size_reached);
  EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "m", joined.member_epoch)).error, none);
  EXPECT_EQ(world.join_consumer_group("g", "m", {"logs"}).error, none) << "it joins anew, and says nothing new";
  ConsumerHeartbeatCall wants_more = MachineWorld::beat_call("g", "m", joined.member_epoch);
  wants_more.subscribed_names = {"logs", "another topic"};
  const ConsumerHeartbeatAnswer refused = world.beat(wants_more);
  EXPECT_EQ(refused.error, group_max_size_reached);
  EXPECT_NE(refused.error_message.find("group.memory.bytes"), std::string::npos);
  EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "m", -1)).error, none);
}

TEST_F(FullWorld, WhatIsStoredIsReadHoweverMuchItIs) {
  for (std::int32_t i = 0; i < 4; ++i) ASSERT_EQ(commit(i), none);
  world.make_stable("members", "m", {"logs"});
  fill();
  world.restart();
  EXPECT_EQ(world.machine->offsets("g")->size(), 4U);
  EXPECT_EQ(world.machine->describe_classic("members")->members.size(), 1U);
  EXPECT_EQ(room.refused, 0U);
}

TEST(GroupMemory, NothingIsCountedOfWhatIsGone) {
  MachineWorld world;
  world.topics.create("logs", 4);
  ASSERT_EQ(world.machine->bytes(), 0U);
  world.make_stable("classic", "m", {"logs", "a topic with a long name, and another"});
  const std::size_t with_one = world.machine->bytes();
  const ConsumerHeartbeatAnswer joined = world.join_consumer_group("consumer", "n", {"logs", "a topic with a long name, and another"});
  ASSERT_EQ(joined.error, none);
  ASSERT_EQ(world.commit("offsets", "logs", 1, 5), none);
  EXPECT_GT(world.machine->bytes(), with_one);
  world.leave("classic", "m");
  (void)world.beat(MachineWorld::beat_call("consumer", "n", -1));
  for (const std::string& group : {"classic", "consumer", "offsets"}) EXPECT_EQ(world.delete_group(group), none) << group;
  EXPECT_EQ(world.machine->bytes(), 0U);
}

// The allocators of sanitizers tell nothing of what they gave out.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kAllocatorTells = false;
#else
constexpr bool kAllocatorTells = true;
#endif

/// What the allocator gave out.
std::size_t allocated() { return mallinfo2().uordblks; }

/// Between two thirds of what `make` had the allocator give out, and a half more than that.
void expect_honest(const std::function<void(MachineWorld&)>& make) {
  MachineWorld world;
  world.topics.create("logs", 100);
  const std::size_t before = allocated();
  make(world);
  EXPECT_GT(world.machine->bytes(), 0U);
  if (!kAllocatorTells) return;
  ASSERT_GT(allocated(), before);
  world.log.batches = {};
  world.late = {};
  const auto real = static_cast<double>(allocated() - before);
  const auto told = static_cast<double>(world.machine->bytes());
  EXPECT_GT(told, real / 1.5);
  EXPECT_LT(told, real * 1.5);
}

TEST(GroupMemory, OffsetsAreCountedHonestly) {
  expect_honest([](MachineWorld& world) {
    for (int i = 0; i < 20'000; ++i) ASSERT_EQ(world.commit("g" + std::to_string(i % 50), "logs", i / 50, i), ErrorCode::none);
  });
}

TEST(GroupMemory, NewGroupsAreCountedHonestly) {
  expect_honest([](MachineWorld& world) {
    for (int i = 0; i < 2'000; ++i) ASSERT_EQ(world.join(MachineWorld::join_call("g" + std::to_string(i), "m", {"logs"})).error, none);
  });
}

TEST(GroupMemory, ClassicMembersAreCountedHonestly) {
  expect_honest([](MachineWorld& world) {
    for (int i = 0; i < 1'000; ++i) {
      JoinCall call = MachineWorld::join_call("g", "a member with a long name " + std::to_string(i));
      call.protocols = {{.name = "range", .metadata = OwnedBytes(2000)}};
      Step step = world.step();
      (void)world.machine->join(call, step);
    }
  });
}

TEST(GroupMemory, ConsumerMembersAreCountedHonestly) {
  expect_honest([](MachineWorld& world) {
    for (int i = 0; i < 200; ++i) {
      std::vector<std::string> names{"logs"};
      for (int k = 0; k < 100; ++k) names.push_back("a topic with a long name " + std::to_string(1000 * i + k));
      ASSERT_EQ(world.join_consumer_group("g", "m" + std::to_string(i), names).error, none);
    }
  });
}

}  // namespace
}  // namespace tidelog::broker
