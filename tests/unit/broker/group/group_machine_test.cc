#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace tidelog::broker {
namespace {

using enum ErrorCode;

ErrorCode heartbeat(MachineWorld& world, const std::string& group) {
  return world.ask([&](GroupMachine& machine, Step& step) {
    return machine.heartbeat(HeartbeatCall{.group = group, .generation = 1, .member_id = "m", .instance_id = {}}, step);
  });
}

std::optional<SyncAnswer> sync(MachineWorld& world, const std::string& group) {
  SyncCall call;
  call.ticket = 9;
  call.group = group;
  call.generation = 1;
  call.member_id = "m";
  return world.ask([&](GroupMachine& machine, Step& step) { return machine.sync(call, step); });
}

LeaveAnswer leave(MachineWorld& world, const std::string& group) {
  return world.ask([&](GroupMachine& machine, Step& step) {
    return machine.leave({.group = group, .members = {{.id = "m", .instance_id = {}, .reason = {}}}}, step);
  });
}

template <class Record>
bool has_value(const Record& record) {
  if constexpr (requires { record.value; }) return record.value.has_value();
  return false;
}

/// The kind of each record, and whether it has a value (+) or none (-).
std::string kinds(const std::vector<GroupRecord>& records) {
  static constexpr const char* kNames[] = {"offset", "classic",       "consumer", "metadata", "member",
                                           "target", "target-member", "current",  "regex",    "foreign"};
  std::string text;
  for (const GroupRecord& record : records) {
    const bool is_there = std::visit([](const auto& its) { return has_value(its); }, record);
    text += std::string(kNames[record.index()]) + (is_there ? "+ " : "- ");
  }
  return text;
}

std::string listed(const MachineWorld& world) {
  std::string text;
  for (const ListedGroup& group : world.machine->list()) {
    text += group.name + ":" + std::string(group.type) + ":" + std::string(group.state) + ":" + group.protocol_type + " ";
  }
  return text;
}

TEST(GroupMachine, AnEmptyGroupIdIsRefusedByCallsOfMembers) {
  MachineWorld world;
  EXPECT_EQ(world.join(MachineWorld::join_call("", "m")).error, invalid_group_id);
  EXPECT_EQ(sync(world, "")->error, invalid_group_id);
  EXPECT_EQ(heartbeat(world, ""), invalid_group_id);
  EXPECT_EQ(leave(world, "").error, invalid_group_id);
  EXPECT_EQ(world.join_consumer_group("", "m", {"t"}).error, invalid_request);
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachine, AMemberOfAnUnknownGroupIsUnknown) {
  MachineWorld world;
  JoinCall call = MachineWorld::join_call("g", "fresh");
  call.member_id = "m";
  const JoinAnswer joined = world.join(call);
  EXPECT_EQ(joined.error, unknown_member_id);
  EXPECT_EQ(joined.member_id, "m");
  EXPECT_EQ(sync(world, "g")->error, unknown_member_id);
  EXPECT_EQ(heartbeat(world, "g"), unknown_member_id);
  EXPECT_EQ(leave(world, "g").error, none);
  EXPECT_EQ(leave(world, "g").members, std::vector{unknown_member_id});
  for (const int epoch : {1, -1}) {
    EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "m", epoch)).error, group_id_not_found);
  }
  EXPECT_EQ(world.machine->group_count(), 0U);
  EXPECT_TRUE(world.log.batches.empty());
}

TEST(GroupMachine, ASessionThatIsTooShortMakesNoGroup) {
  MachineWorld world;
  JoinCall call = MachineWorld::join_call("g", "m");
  call.session_timeout = world.settings.min_session_timeout - std::chrono::milliseconds(1);
  EXPECT_EQ(world.join(call).error, invalid_session_timeout);
  EXPECT_EQ(world.machine->group_count(), 0U);
}

TEST(GroupMachine, AJoinThatIsRefusedLeavesNoGroupBehind) {
  MachineWorld world;
  JoinCall call = MachineWorld::join_call("g", "m");
  call.protocols.clear();
  EXPECT_EQ(world.join(call).error, inconsistent_group_protocol);
  EXPECT_EQ(world.machine->group_count(), 0U);

  (void)world.commit("g", "t", 0, 1);
  EXPECT_EQ(world.join(call).error, inconsistent_group_protocol);
  EXPECT_EQ(listed(world), "g:classic:Empty: ");
}

TEST(GroupMachine, ASimpleGroupThatIsJoinedKeepsItsOffsets) {
  MachineWorld world;
  (void)world.commit("g", "t", 0, 7);
  world.make_stable("g", "m", {"t"});
  EXPECT_EQ(listed(world), "g:classic:Stable:consumer ");
  EXPECT_EQ(world.machine->offsets("g")->size(), 1U);
  EXPECT_EQ(world.commit("g", "t", 0, 8), unknown_member_id);
  EXPECT_EQ(world.delete_group("g"), non_empty_group);
}

TEST(GroupMachine, AMemberThatNeverCameAgainLeavesNothing) {
  MachineWorld world;
  JoinCall call = MachineWorld::join_call("g", "m");
  call.must_know_its_id = true;
  EXPECT_EQ(world.join(call).error, member_id_required);
  EXPECT_EQ(world.machine->group_count(), 1U);
  ASSERT_TRUE(world.machine->wake_at());

  world.now = call.session_timeout;
  world.tick();

  EXPECT_EQ(world.machine->group_count(), 0U);
  EXPECT_FALSE(world.machine->wake_at());
}

TEST(GroupMachine, AnEmptyClassicGroupBecomesAConsumerGroupInOneBatch) {
  MachineWorld world;
  world.topics.create("t", 2);
  (void)world.commit("g", "t", 0, 7);
  world.make_stable("g", "m", {"t"});
  world.leave("g", "m");
  ASSERT_EQ(listed(world), "g:classic:Empty:consumer ");
  world.log.batches.clear();

  const ConsumerHeartbeatAnswer answer = world.join_consumer_group("g", "n", {"t"});

  EXPECT_EQ(answer.error, none);
  EXPECT_EQ(listed(world), "g:consumer:Stable:consumer ");
  EXPECT_EQ(world.machine->offsets("g")->size(), 1U);
  ASSERT_FALSE(world.log.batches.empty());
  EXPECT_EQ(kinds(world.log.batches[0]).find("classic- "), 0U);
  EXPECT_NE(kinds(world.log.batches[0]).find("consumer+ "), std::string::npos);
  for (std::size_t i = 1; i < world.log.batches.size(); ++i) {
    EXPECT_EQ(kinds(world.log.batches[i]).find("classic"), std::string::npos);
  }
}

TEST(GroupMachine, ATakeoverThatTheLogRefusesLeavesTheClassicGroup) {
  MachineWorld world;
  world.topics.create("t", 2);
  world.make_stable("g", "m", {"t"});
  world.leave("g", "m");
  world.log.refusal = not_coordinator;

  EXPECT_EQ(world.join_consumer_group("g", "n", {"t"}).error, not_coordinator);

  EXPECT_EQ(listed(world), "g:classic:Empty:consumer ");
  world.log.refusal.reset();
  EXPECT_EQ(world.join_consumer_group("g", "n", {"no-such-assignor"}).error, none);
}

TEST(GroupMachine, AnEmptyConsumerGroupBecomesAClassicOneInOneBatch) {
  for (const bool has_offsets : {false, true}) {
    MachineWorld world;
    world.topics.create("t", 2);
    if (has_offsets) (void)world.commit("g", "t", 0, 7);
    (void)world.join_consumer_group("g", "n", {"t"});
    (void)world.beat(MachineWorld::beat_call("g", "n", -1));
    ASSERT_EQ(listed(world), "g:consumer:Empty:consumer ");
    world.log.batches.clear();

    JoinCall known = MachineWorld::join_call("g", "fresh");
    known.member_id = "m";
    EXPECT_EQ(world.join(known).error, unknown_member_id);
    EXPECT_EQ(listed(world), "g:consumer:Empty:consumer ");
    world.make_stable("g", "m", {"t"});

    EXPECT_EQ(listed(world), "g:classic:Stable:consumer ");
    ASSERT_EQ(world.log.batches.size(), 2U);
    const std::string taken_over = kinds(world.log.batches[0]);
    EXPECT_NE(taken_over.find("consumer- classic+ "), std::string::npos);
    const auto& empty = std::get<ClassicGroupRecord>(world.log.batches[0].back());
    EXPECT_EQ(empty.value->protocol_type, "");
    EXPECT_TRUE(empty.value->members.empty());
    EXPECT_EQ(world.machine->offsets("g")->size(), has_offsets ? 1U : 0U);
    EXPECT_EQ(MachineWorld::replayed(world.log.records())->list().at(0).type, "classic");
  }
}

TEST(GroupMachine, ATakeoverThatTheLogRefusesLeavesTheConsumerGroup) {
  MachineWorld world;
  world.topics.create("t", 2);
  (void)world.join_consumer_group("g", "n", {"t"});
  (void)world.beat(MachineWorld::beat_call("g", "n", -1));
  world.log.refusal = not_coordinator;

  EXPECT_EQ(world.join(MachineWorld::join_call("g", "m")).error, not_coordinator);

  EXPECT_EQ(listed(world), "g:consumer:Empty:consumer ");
}

TEST(GroupMachine, AConsumerGroupWithMembersIsNoneOfTheClassicProtocolsIfItMayNotChange) {
  MachineWorld world;
  world.settings.migration_policy = MigrationPolicy::disabled;
  world.topics.create("t", 2);
  const auto joined = world.join_consumer_group("g", "m", {"t"});

  EXPECT_EQ(world.join(MachineWorld::join_call("g", "fresh")).error, inconsistent_group_protocol);
  EXPECT_EQ(sync(world, "g")->error, unknown_member_id);
  EXPECT_EQ(heartbeat(world, "g"), unknown_member_id);
  EXPECT_EQ(leave(world, "g").members, std::vector{unknown_member_id});
  EXPECT_EQ(world.machine->describe_classic("g").error(), group_id_not_found);
  EXPECT_TRUE(world.machine->describe_consumer("g"));
  EXPECT_EQ(world.delete_group("g"), non_empty_group);
  EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "m", joined.member_epoch)).error, none);
}

TEST(GroupMachine, AClassicGroupWithMembersIsNoConsumerGroupIfItMayNotChange) {
  MachineWorld world;
  world.settings.migration_policy = MigrationPolicy::downgrade;
  world.topics.create("t", 2);
  world.make_stable("g", "m", {"t"});
  EXPECT_EQ(world.join_consumer_group("g", "n", {"t"}).error, group_id_not_found);
  EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "m", 1)).error, group_id_not_found);
  EXPECT_EQ(world.machine->describe_consumer("g").error(), group_id_not_found);
  EXPECT_EQ(heartbeat(world, "g"), none);
}

TEST(GroupMachine, CommitsAndFetchesOfConsumerGroupsAreHeldAgainstTheMembersEpoch) {
  MachineWorld world;
  world.topics.create("t", 2);
  const auto joined = world.join_consumer_group("g", "m", {"t"});
  CommitCall call{.group = "g", .generation_or_epoch = joined.member_epoch, .member_id = "m", .instance_id = {}, .topics = {}};
  call.topics = {world.topic_at("t", 0, 1)};
  EXPECT_EQ(world.commit(call).partitions, std::vector{none});
  call.version = 8;
  EXPECT_EQ(world.commit(call).partitions, std::vector{unsupported_version});
  call.version = 9;
  call.generation_or_epoch = joined.member_epoch + 1;
  EXPECT_EQ(world.commit(call).partitions, std::vector{stale_member_epoch});
  call.member_id = "x";
  EXPECT_EQ(world.commit(call).partitions, std::vector{unknown_member_id});
  EXPECT_EQ(world.commit("g", "t", 0, 1), unknown_member_id);

  const auto fetch = [&](std::optional<std::string> member, int epoch) {
    return world.machine->fetch({.group = "g", .member_id = std::move(member), .member_epoch = epoch, .topics = {}}).error;
  };
  EXPECT_EQ(fetch("m", joined.member_epoch), none);
  EXPECT_EQ(fetch("m", 7), stale_member_epoch);
  EXPECT_EQ(fetch("x", 7), unknown_member_id);
  EXPECT_EQ(fetch("", -1), unknown_member_id);
  EXPECT_EQ(fetch({}, -1), none);

  (void)world.beat(MachineWorld::beat_call("g", "m", -1));
  EXPECT_EQ(world.commit("g", "t", 0, 1), none);
}

TEST(GroupMachine, OffsetsOfTopicsThatMembersReadAreNotDeleted) {
  MachineWorld world;
  world.topics.create("t", 2);
  world.topics.create("u", 2);
  for (const char* topic : {"t", "u"}) {
    (void)world.commit("classic", topic, 0, 1);
    (void)world.commit("consumer", topic, 0, 1);
    (void)world.commit("connect", topic, 0, 1);
  }
  world.make_stable("classic", "m", {"t"});
  (void)world.join_consumer_group("consumer", "m", {"t"});
  JoinCall connect = MachineWorld::join_call("connect", "m");
  connect.protocol_type = "connect";
  (void)world.join(connect);
  const auto delete_of = [&](const std::string& group) {
    return world.ask([&](GroupMachine& machine, Step& step) {
      return machine.delete_offsets({.group = group, .topics = {{.name = "t", .partitions = {0}}, {.name = "u", .partitions = {0}}}}, step);
    });
  };
  for (const char* group : {"classic", "consumer"}) {
    EXPECT_EQ(delete_of(group).partitions, (std::vector{group_subscribed_to_topic, none})) << group;
    EXPECT_EQ(world.machine->offsets(group)->size(), 1U);
  }
  EXPECT_EQ(delete_of("connect").error, non_empty_group);
}

TEST(GroupMachine, DeletesEmptyGroupsOfBothKinds) {
  MachineWorld world;
  world.topics.create("t", 2);
  world.make_stable("classic", "m", {"t"});
  (void)world.join_consumer_group("consumer", "m", {"t"});
  world.leave("classic", "m");
  (void)world.beat(MachineWorld::beat_call("consumer", "m", -1));
  EXPECT_EQ(world.delete_group("classic"), none);
  EXPECT_EQ(world.delete_group("consumer"), none);
  EXPECT_EQ(world.machine->group_count(), 0U);
  EXPECT_EQ(MachineWorld::replayed(world.log.records())->group_count(), 0U);
}

TEST(GroupMachine, ATickAsksOnlyWhoIsDueAndEveryOneOfThem) {
  MachineWorld world;
  world.topics.create("t", 2);
  for (int i = 0; i < 3; ++i) {
    world.make_stable("g" + std::to_string(i), "m", {"t"});
    world.now += std::chrono::seconds(1);
  }
  ASSERT_TRUE(world.machine->wake_at());

  // The first session ended; the second one was renewed, the third one is not over.
  world.now = std::chrono::seconds(11);
  const auto renewed = world.ask([](GroupMachine& machine, Step& step) {
    return machine.heartbeat(HeartbeatCall{.group = "g1", .generation = 1, .member_id = "m", .instance_id = {}}, step);
  });
  EXPECT_EQ(renewed, none);
  world.tick();

  EXPECT_EQ(listed(world), "g0:classic:Empty:consumer g1:classic:Stable:consumer g2:classic:Stable:consumer ");
  while (world.machine->wake_at()) {
    world.now = std::max(world.now, *world.machine->wake_at());
    ASSERT_LT(world.now, std::chrono::minutes(1));
    world.tick();
  }
  EXPECT_EQ(listed(world), "g0:classic:Empty:consumer g1:classic:Empty:consumer g2:classic:Empty:consumer ");
}

TEST(GroupMachine, WhatIsDueEarlierThanWhatWasKnownIsNotSleptOver) {
  MachineWorld world;
  JoinCall first = MachineWorld::join_call("g", "m", {"t"});
  first.session_timeout = std::chrono::minutes(10);
  (void)world.join(first);
  world.tick();
  ASSERT_EQ(sync(world, "g")->error, none);
  while (*world.machine->wake_at() < std::chrono::minutes(1)) {
    world.now = std::max(world.now, *world.machine->wake_at());
    world.tick();
  }

  // The first member is given ten seconds to join again.
  JoinCall second = MachineWorld::join_call("g", "n", {"t"});
  second.ticket = 5;
  (void)world.join(second);

  EXPECT_LE(*world.machine->wake_at(), world.now + std::chrono::seconds(10));
}

TEST(GroupMachine, SessionsBeginAnewAfterALoad) {
  MachineWorld world;
  world.topics.create("t", 2);
  world.make_stable("classic", "m", {"t"});
  (void)world.join_consumer_group("consumer", "m", {"t"});
  world.now = std::chrono::hours(1);

  world.restart();

  ASSERT_TRUE(world.machine->wake_at());
  EXPECT_GT(*world.machine->wake_at(), world.now);
  EXPECT_EQ(listed(world), "classic:classic:Stable:consumer consumer:consumer:Stable:consumer ");
}

TEST(GroupMachine, WhoeverWaitsIsToldWhenTheCoordinatorGoes) {
  MachineWorld world;
  world.settings.initial_rebalance_delay = std::chrono::seconds(3);
  JoinCall call = MachineWorld::join_call("g", "m");
  call.ticket = 77;
  Step step = world.step();
  ASSERT_FALSE(world.machine->join(call, step));

  world.machine->abandon(not_coordinator, world.late);

  ASSERT_EQ(world.late.size(), 1U);
  EXPECT_EQ(world.late[0].ticket, 77U);
  EXPECT_EQ(std::get<JoinAnswer>(world.late[0].answer).error, not_coordinator);
}

TEST(GroupMachineReplay, BearsWhatNobodyHereWrote) {
  GroupMachine machine;
  machine.replay(ForeignRecord{.key_type = 11});
  machine.replay(OffsetRecord{.group = "g", .topic = "t", .partition = PartitionIndex{0}, .value = {}});
  machine.replay(ClassicGroupRecord{.group = "g", .value = {}});
  machine.replay(ConsumerGroupRecord{.group = "g", .value = {}});
  machine.replay(ConsumerPartitionMetadataRecord{.group = "g", .is_tombstone = false});
  machine.replay(ConsumerMemberRecord{.group = "g", .member = "m", .value = {}});
  machine.replay(ConsumerTargetEpochRecord{.group = "g", .value = {}});
  machine.replay(ConsumerTargetMemberRecord{.group = "g", .member = "m", .value = {}});
  machine.replay(ConsumerCurrentMemberRecord{.group = "g", .member = "m", .value = {}});
  machine.replay(ConsumerRegexRecord{.group = "g", .regex = "r", .value = {}});
  EXPECT_EQ(machine.group_count(), 0U);

  // A member whose group's record comes later, as compaction leaves it.
  machine.replay(ConsumerMemberRecord{.group = "g", .member = "m", .value = ConsumerMemberRecord::Value{}});
  machine.replay(ConsumerGroupRecord{.group = "g", .value = ConsumerGroupRecord::Value{.epoch = 9}});
  EXPECT_EQ(machine.list().at(0).type, "consumer");
  EXPECT_EQ(machine.describe_consumer("g")->epoch, 9);

  // A tombstone of a kind that the group was before.
  machine.replay(ClassicGroupRecord{.group = "g", .value = {}});
  EXPECT_EQ(machine.list().at(0).type, "consumer");

  // A group of the other kind without the end of this one: the last one counts.
  machine.replay(ClassicGroupRecord{.group = "g", .value = ClassicGroupRecord::Value{}});
  EXPECT_EQ(machine.list().at(0).type, "classic");
  EXPECT_EQ(machine.describe_consumer("g").error(), group_id_not_found);
  machine.replay(ConsumerGroupRecord{.group = "g", .value = {}});
  EXPECT_EQ(machine.list().at(0).type, "classic");
  machine.replay(ConsumerMemberRecord{.group = "g", .member = "m", .value = ConsumerMemberRecord::Value{}});
  EXPECT_EQ(machine.list().at(0).type, "consumer");
  EXPECT_EQ(machine.describe_classic("g").error(), group_id_not_found);
}

}  // namespace
}  // namespace tidelog::broker
