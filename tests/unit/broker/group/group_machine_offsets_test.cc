#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

using enum ErrorCode;

CommitCall commit_call(const std::string& group, std::int32_t generation, std::vector<CommitCall::Topic> topics) {
  return {.group = group, .generation_or_epoch = generation, .member_id = {}, .instance_id = {}, .topics = std::move(topics)};
}

OffsetFetchCall fetch_call(const std::string& group, const std::string& topic, std::vector<std::int32_t> partitions) {
  OffsetFetchCall call{.group = group, .member_id = {}, .topics = {}};
  call.topics.emplace().push_back({.name = topic, .partitions = std::move(partitions)});
  return call;
}

/// "topic/partition=offset" for each partition of the answer.
std::string told(const OffsetFetchAnswer& answer) {
  std::string text;
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) {
      text += topic.name + "/" + std::to_string(partition.index) + "=" + std::to_string(partition.offset.value) + partition.metadata + " ";
    }
  }
  return text;
}

std::string all_of(const MachineWorld& world, const std::string& group) {
  return told(world.machine->fetch({.group = group, .member_id = {}, .topics = {}}));
}

TEST(GroupMachineCommit, ByNobodysMemberMakesASimpleGroupOfNothingButOffsets) {
  MachineWorld world;
  const Uuid id = world.topics.create("t", 1);

  EXPECT_EQ(world.commit("g", "t", 0, 42), none);

  const std::vector<GroupRecord> stored = world.log.records();
  ASSERT_EQ(stored.size(), 1U);
  const OffsetRecord expected{
      .group = "g",
      .topic = "t",
      .partition = PartitionIndex{0},
      .value = OffsetRecord::Value{.offset = Offset{42}, .metadata = {}, .committed_at = world.wall_clock(), .topic_id = id}};
  EXPECT_EQ(std::get<OffsetRecord>(stored[0]), expected);
  const auto description = world.machine->describe_classic("g");
  ASSERT_TRUE(description);
  EXPECT_EQ(description->state, "Empty");
  EXPECT_EQ(description->protocol_type, "");
}

TEST(GroupMachineCommit, MayGoBackAndBelowZero) {
  MachineWorld world;
  EXPECT_EQ(world.commit("g", "t", 0, 5), none);
  EXPECT_EQ(world.commit("g", "t", 0, 3), none);
  EXPECT_EQ(all_of(world, "g"), "t/0=3 ");
  EXPECT_EQ(world.commit("g", "t", 0, -1), none);
  EXPECT_EQ(all_of(world, "g"), "t/0=-1 ");
}

TEST(GroupMachineCommit, TheEmptyGroupIdIsAGroupLikeAnyOther) {
  MachineWorld world;
  EXPECT_EQ(world.commit("", "t", 0, 5), none);
  EXPECT_EQ(all_of(world, ""), "t/0=5 ");
  EXPECT_EQ(world.delete_group(""), none);
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachineCommit, WithAGenerationNobodyKnowsIsRefusedAsItsVersionHasWordsFor) {
  MachineWorld world;
  CommitCall call = commit_call("g", 3, {world.topic_at("t", 0, 1)});
  call.member_id = "x";
  call.version = 8;
  EXPECT_EQ(world.commit(call).partitions, std::vector{illegal_generation});
  call.version = 9;
  EXPECT_EQ(world.commit(call).partitions, std::vector{group_id_not_found});
  EXPECT_EQ(world.machine->group_count(), 0U);

  EXPECT_EQ(world.commit("g", "t", 0, 1), none);
  EXPECT_EQ(world.commit(call).partitions, std::vector{unknown_member_id});
}

TEST(GroupMachineCommit, MetadataThatIsTooLargeRefusesItsPartitionAlone) {
  MachineWorld world;
  world.settings.offset_metadata_max_bytes = 4;
  CommitCall call = commit_call("g", -1, {});
  call.topics.push_back(world.topic_at("t", 0, 1));
  call.topics.push_back(world.topic_at("u", 0, 2));
  call.topics.push_back(world.topic_at("v", 0, 3));
  call.topics[0].partitions[0].metadata = "\u00e9\u00e9\u00e9\u00e9";  // Eight bytes, four characters.
  call.topics[1].partitions[0].metadata = "\u00e9\u00e9\u00e9\u00e9x";
  call.topics[2].partitions[0].metadata = "\U0001F600\U0001F600y";  // Two units each.

  EXPECT_EQ(world.commit(call).partitions, (std::vector{none, offset_metadata_too_large, offset_metadata_too_large}));

  ASSERT_EQ(world.log.batches.size(), 1U);
  EXPECT_EQ(all_of(world, "g"), "t/0=1\u00e9\u00e9\u00e9\u00e9 ");
}

TEST(GroupMachineCommit, OfNothingStoresNothing) {
  MachineWorld world;
  world.settings.offset_metadata_max_bytes = 0;
  CommitCall call = commit_call("g", -1, {world.topic_at("t", 0, 1)});
  call.topics[0].partitions[0].metadata = "x";
  EXPECT_EQ(world.commit(call).partitions, std::vector{offset_metadata_too_large});
  EXPECT_TRUE(world.commit(commit_call("g", -1, {})).partitions.empty());
  EXPECT_TRUE(world.log.batches.empty());
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachineCommit, ThatTheLogRefusesChangesNothing) {
  MachineWorld world;
  (void)world.commit("g", "t", 0, 1);
  world.log.refusal = not_coordinator;

  EXPECT_EQ(world.commit("g", "t", 0, 2), not_coordinator);
  EXPECT_EQ(world.commit("other", "t", 0, 2), not_coordinator);

  EXPECT_EQ(all_of(world, "g"), "t/0=1 ");
  EXPECT_EQ(world.machine->group_count(), 1U);
}

TEST(GroupMachineCommit, TheLaterOfTwoForOnePartitionCounts) {
  MachineWorld world;
  CommitCall call = commit_call("g", -1, {world.topic_at("t", 0, 1), world.topic_at("t", 0, 2)});
  EXPECT_EQ(world.commit(call).partitions, (std::vector{none, none}));
  EXPECT_EQ(all_of(world, "g"), "t/0=2 ");
}

TEST(GroupMachineCommit, RetentionOfOldVersionsBecomesATimeToExpireAt) {
  MachineWorld world;
  world.topics.create("t", 1);
  CommitCall call = commit_call("g", -1, {world.topic_at("t", 0, 1)});
  call.topics[0].partitions[0].leader_epoch = 4;
  call.version = 4;
  call.retention_ms = 500;
  EXPECT_EQ(world.commit(call).partitions, std::vector{none});
  const OffsetRecord::Value stored = *std::get<OffsetRecord>(world.log.records().at(0)).value;
  EXPECT_EQ(stored.expires_at, world.wall_clock() + 500);
  // The version of the value that has this time has no leader epoch and no topic id: what is in memory is what a replay reads.
  EXPECT_EQ(stored.leader_epoch, LeaderEpoch{-1});
  EXPECT_TRUE(stored.topic_id.is_zero());

  call.retention_ms = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(world.commit(call).partitions, std::vector{none});
  world.expire();
  EXPECT_EQ(all_of(world, "g"), "t/0=1 ");
}

TEST(GroupMachineFetch, AnswersMinusOneWhereNothingWasCommitted) {
  MachineWorld world;
  (void)world.commit("g", "t", 1, 7);
  EXPECT_EQ(told(world.machine->fetch(fetch_call("g", "t", {0, 1}))), "t/0=-1 t/1=7 ");
  const OffsetFetchAnswer unknown = world.machine->fetch(fetch_call("unknown", "t", {0}));
  EXPECT_EQ(unknown.error, none);
  EXPECT_EQ(told(unknown), "t/0=-1 ");
  EXPECT_EQ(all_of(world, "unknown"), "");
}

TEST(GroupMachineFetch, AllTopicsComeInOrder) {
  MachineWorld world;
  for (const char* topic : {"b", "a"}) {
    for (const int partition : {10, 9}) (void)world.commit("g", topic, partition, partition);
  }
  EXPECT_EQ(all_of(world, "g"), "a/9=9 a/10=10 b/9=9 b/10=10 ");
}

TEST(GroupMachineFetch, WhatWasCommittedForAnEarlierTopicOfThatNameDoesNotCount) {
  MachineWorld world;
  const Uuid before = world.topics.create("t", 2);
  (void)world.commit("g", "t", 0, 7);
  const Uuid after = world.topics.create("t", 2);
  OffsetFetchCall call = fetch_call("g", "t", {0});

  call.topics->at(0).id = after;
  EXPECT_EQ(told(world.machine->fetch(call)), "t/0=-1 ");
  call.topics->at(0).id = before;
  EXPECT_EQ(told(world.machine->fetch(call)), "t/0=7 ");
  call.topics->at(0).id = {};
  EXPECT_EQ(told(world.machine->fetch(call)), "t/0=7 ");
}

TEST(GroupMachineOffsetDelete, ForgetsWhatIsThereAndIsContentWithWhatIsNot) {
  MachineWorld world;
  world.topics.create("t", 2);
  world.topics.create("u", 1);
  (void)world.commit("g", "t", 0, 1);
  (void)world.commit("g", "t", 1, 2);
  world.log.batches.clear();

  const auto answer = world.ask([](GroupMachine& machine, Step& step) {
    return machine.delete_offsets({.group = "g", .topics = {{.name = "t", .partitions = {0, 7, -1}}, {.name = "u", .partitions = {0}}}},
                                  step);
  });

  EXPECT_EQ(answer.error, none);
  EXPECT_EQ(answer.partitions, (std::vector{none, unknown_topic_or_partition, unknown_topic_or_partition, none}));
  const OffsetRecord tombstone{.group = "g", .topic = "t", .partition = PartitionIndex{0}, .value = {}};
  ASSERT_EQ(world.log.records().size(), 1U);
  EXPECT_EQ(std::get<OffsetRecord>(world.log.records()[0]), tombstone);
  EXPECT_EQ(all_of(world, "g"), "t/1=2 ");
}

TEST(GroupMachineOffsetDelete, RefusesATopicThatIsNotThereUnlessSomethingWasCommittedForIt) {
  MachineWorld world;
  world.topics.create("gone", 1);
  (void)world.commit("g", "gone", 0, 1);
  world.topics.remove("gone");

  const auto answer = world.ask([](GroupMachine& machine, Step& step) {
    return machine.delete_offsets({.group = "g", .topics = {{.name = "gone", .partitions = {0, 1}}, {.name = "never", .partitions = {0}}}},
                                  step);
  });

  EXPECT_EQ(answer.error, none);
  EXPECT_EQ(answer.partitions, (std::vector{none, unknown_topic_or_partition, unknown_topic_or_partition}));
  EXPECT_EQ(all_of(world, "g"), "");
}

TEST(GroupMachineOffsetDelete, RefusesGroupsItCannotFindOrMayNotTouch) {
  MachineWorld world;
  const auto delete_of = [&](const std::string& group) {
    return world.ask([&](GroupMachine& machine, Step& step) {
      return machine.delete_offsets({.group = group, .topics = {{.name = "t", .partitions = {0}}}}, step);
    });
  };
  EXPECT_EQ(delete_of("").error, invalid_group_id);
  EXPECT_EQ(delete_of("g").error, group_id_not_found);

  (void)world.commit("g", "t", 0, 1);
  world.log.refusal = coordinator_not_available;
  EXPECT_EQ(delete_of("g").error, coordinator_not_available);
  EXPECT_TRUE(delete_of("g").partitions.empty());
  EXPECT_EQ(all_of(world, "g"), "t/0=1 ");
}

TEST(GroupMachineOffsetDelete, TheLastOffsetOfASimpleGroupTakesItAlong) {
  MachineWorld world;
  (void)world.commit("g", "t", 0, 1);
  (void)world.ask([](GroupMachine& machine, Step& step) {
    return machine.delete_offsets({.group = "g", .topics = {{.name = "t", .partitions = {0}}}}, step);
  });
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachineDelete, WritesTombstonesForOffsetsAndGroup) {
  MachineWorld world;
  (void)world.commit("g", "t", 0, 1);
  (void)world.commit("g", "t", 1, 1);
  world.log.batches.clear();

  EXPECT_EQ(world.delete_group("g"), none);

  ASSERT_EQ(world.log.batches.size(), 1U);
  const std::vector<GroupRecord> expected{OffsetRecord{.group = "g", .topic = "t", .partition = PartitionIndex{0}, .value = {}},
                                          OffsetRecord{.group = "g", .topic = "t", .partition = PartitionIndex{1}, .value = {}},
                                          ClassicGroupRecord{.group = "g", .value = {}}};
  EXPECT_EQ(world.log.batches[0], expected);
  EXPECT_EQ(world.delete_group("g"), group_id_not_found);
}

TEST(GroupMachineDelete, OfVeryManyOffsetsGoesInBatchesThatALogTakes) {
  MachineWorld world;
  const std::string topic(249, 't');
  for (int partition = 0; partition < 5000; ++partition) (void)world.commit("g", topic, partition, 1);
  world.log.batches.clear();

  EXPECT_EQ(world.delete_group("g"), none);

  std::size_t records = 0;
  for (const auto& batch : world.log.batches) {
    EXPECT_LE(batch.size() * topic.size(), 200U * 1024);
    records += batch.size();
  }
  EXPECT_EQ(records, 5001U);
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachineForgetTopic, ReachesAllGroupsAndSparesLaterTopicsOfThatName) {
  MachineWorld world;
  const Uuid before = world.topics.create("t", 3);
  world.topics.create("tt", 3);
  for (const char* group : {"a", "b", "c"}) (void)world.commit(group, "t", 0, 1);
  (void)world.commit("b", "tt", 0, 1);
  world.topics.create("t", 3);
  (void)world.commit("b", "t", 1, 2);
  (void)world.commit("c", "t", 0, 2);
  CommitCall unknown = commit_call("b", -1, {world.topic_at("t", 2, 3)});
  unknown.topics[0].id = {};
  (void)world.commit(unknown);

  world.ask([&](GroupMachine& machine, Step& step) { return machine.forget_topic("t", before, step), 0; });

  EXPECT_EQ(world.machine->list().size(), 2U);
  EXPECT_EQ(all_of(world, "a"), "");
  EXPECT_EQ(all_of(world, "b"), "t/1=2 tt/0=1 ");
  EXPECT_EQ(all_of(world, "c"), "t/0=2 ");
}

TEST(GroupMachineForgetTopic, OfVeryManyOffsetsGoesInBatchesThatALogTakes) {
  MachineWorld world;
  world.topics.create("t", 100);
  for (int group = 0; group < 50; ++group) {
    for (int partition = 0; partition < 50; ++partition) (void)world.commit("g" + std::to_string(group), "t", partition, 1);
  }
  world.log.batches.clear();

  world.ask([&](GroupMachine& machine, Step& step) { return machine.forget_topic("t", world.topics.find("t")->id, step), 0; });

  EXPECT_EQ(world.log.batches.size(), 3U);
  EXPECT_EQ(world.log.records().size(), 2500U);
  EXPECT_EQ(world.machine->group_count(), 0U);
}

}  // namespace
}  // namespace tidelog::broker
