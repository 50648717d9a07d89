// The order of RULES.md R8, with a disk whose syncs finish when the test says so: a step decides, appends and applies before the next one
// begins; what it said leaves when that is committed, and what is refused leaves no trace.
#include "tests/unit/broker/hosted_groups_world.h"

namespace tidelog::broker {
namespace {

// Decided, appended and applied before the next step, committed or not.

TEST_F(HostedGroupsTest, AStepSeesWhatTheOneBeforeItAppended) {
  EXPECT_EQ(commit(41), ErrorCode::none);
  EXPECT_EQ(commit(42), ErrorCode::none);

  EXPECT_LT(partition().state().high_watermark, partition().state().log_end) << "nothing is committed yet, or this says nothing";
  EXPECT_EQ(committed_offset(*groups_), 42);
  const ErrorCode deleted = groups_->step([](GroupMachine& machine, Step& step) { return machine.delete_group(kGroup, step); });
  EXPECT_EQ(deleted, ErrorCode::none) << "there was a group to delete";
}

TEST_F(HostedGroupsTest, WhatIsExpiredWasNotCommittedAnewMeanwhile) {
  EXPECT_EQ(commit(41), ErrorCode::none);
  finish_round();
  env_.loop().advance(std::chrono::minutes(options_->offsets_retention_minutes + 1));
  EXPECT_EQ(commit(42), ErrorCode::none);
  groups_->step([](GroupMachine& machine, Step& step) {
    machine.expire_offsets(step);
    return 0;
  });
  finish_round();

  EXPECT_EQ(committed_offset(*load()), 42);
}

TEST_F(HostedGroupsTest, MembersThatComeTogetherAreInOneGroup) {
  const ConsumerHeartbeatAnswer first = beat(first_beat("a"));
  const ConsumerHeartbeatAnswer second = beat(first_beat("b"));
  finish_round();

  EXPECT_GT(second.member_epoch, first.member_epoch);
  EXPECT_EQ(member_count(*groups_), 2U);
  EXPECT_EQ(member_count(*load()), 2U) << "and so says the log";
}

// Answered once it is committed, reads as well.

TEST_F(HostedGroupsTest, ACommitIsAnsweredOnceItIsDurable) {
  EXPECT_EQ(commit(42), ErrorCode::none);
  const auto said = wait_until_committed();
  const bool was_early = said->has_value();

  finish_round();

  EXPECT_FALSE(was_early);
  EXPECT_EQ(*said, ErrorCode::none);
}

TEST_F(HostedGroupsTest, AReadIsAnsweredOnceWhatItSawIsDurable) {
  EXPECT_EQ(commit(42), ErrorCode::none);
  EXPECT_EQ(committed_offset(*groups_), 42);
  const auto said = wait_until_committed();
  const bool was_early = said->has_value();

  finish_round();

  EXPECT_FALSE(was_early);
  EXPECT_EQ(*said, ErrorCode::none);
}

TEST_F(HostedGroupsTest, AnAnswerByMailLeavesOnceWhatItSaysIsDurable) {
  join("a");
  const std::shared_ptr<LateMail> joined = join("b");
  join("a", "a");
  const std::int32_t generation = std::get<JoinAnswer>(joined->answer.value()).generation;
  const std::shared_ptr<LateMail> follows = sync("b", generation);
  const std::shared_ptr<LateMail> leads = sync("a", generation);
  const bool was_early = follows->answer.has_value();

  finish_round();

  EXPECT_TRUE(leads->answer) << "the leader's SyncGroup has stored the assignment";
  EXPECT_FALSE(was_early);
  ASSERT_TRUE(follows->answer);
  EXPECT_EQ(std::get<SyncAnswer>(*follows->answer).error, ErrorCode::none);
}

// Refused: nothing of it holds.

TEST_F(HostedGroupsTest, WhatTheLogRefusesIsNotApplied) {
  EXPECT_EQ(commit(41), ErrorCode::none);
  files_.fail_writes(Errc::no_space);
  EXPECT_EQ(commit(42), ErrorCode::coordinator_not_available);
  EXPECT_EQ(beat(first_beat("a")).error, ErrorCode::coordinator_not_available);

  EXPECT_EQ(committed_offset(*groups_), 41);
  EXPECT_EQ(member_count(*groups_), 0U);
  files_.heal();
  EXPECT_EQ(beat(first_beat("a")).error, ErrorCode::none);
  files_.fail_writes(Errc::no_space);
  EXPECT_EQ(beat(first_beat("b")).error, ErrorCode::coordinator_not_available);
  EXPECT_EQ(member_count(*groups_), 1U);
  files_.heal();
  finish_round();
  EXPECT_EQ(committed_offset(*load()), 41);
  EXPECT_EQ(member_count(*load()), 1U);
}

// Nobody knows whether it is kept: nothing is rolled back, the next one replays.

TEST_F(HostedGroupsTest, ACoordinatorWhoseRecordsMayBeLostIsDropped) {
  join("a");
  const std::shared_ptr<LateMail> waiting = join("b");
  groups_->step([](GroupMachine& machine, Step& step) { return machine.commit(commit_of(42, "others"), step); });
  const auto said = wait_until_committed();

  partition().retire(ErrorCode::not_leader_or_follower);
  env_.loop().run_ready();

  EXPECT_EQ(*said, ErrorCode::not_coordinator);
  EXPECT_EQ(groups_->state(), HostedGroups::State::gone);
  ASSERT_TRUE(waiting->answer) << "whoever waits looks for the coordinator again";
  EXPECT_EQ(std::get<JoinAnswer>(*waiting->answer).error, ErrorCode::not_coordinator);
}

// What groups of all coordinators take.

TEST_F(HostedGroupsTest, WhatItsGroupsTakeCountsUntilItIsGivenUp) {
  EXPECT_EQ(memory_.used(), 0U);
  EXPECT_EQ(commit(41), ErrorCode::none);
  finish_round();
  const std::size_t once = memory_.used();
  EXPECT_GT(once, 0U);
  const std::shared_ptr<HostedGroups> other = load();
  EXPECT_EQ(memory_.used(), 2 * once) << "what was read takes what was written";
  other->give_up();
  EXPECT_EQ(memory_.used(), once);
}

TEST_F(HostedGroupsTest, WhoComesWhenTheMemoryIsTakenIsRefusedAndCounted) {
  options_->group_memory_bytes = 4096;
  EXPECT_EQ(commit(41), ErrorCode::none);
  memory_.change(0, 4096);
  EXPECT_EQ(commit(42), ErrorCode::none) << "what is known moves on";
  EXPECT_EQ(beat(first_beat("a")).error, ErrorCode::group_max_size_reached);
  EXPECT_EQ(services_.shard.limits().count(Limit::group_memory_bytes), 1U);
  memory_.change(4096, 0);
  EXPECT_EQ(groups_->step([](GroupMachine& machine, Step& step) { return machine.delete_group(kGroup, step); }), ErrorCode::none);
  EXPECT_EQ(memory_.used(), 0U);
}

TEST_F(HostedGroupsTest, WhatNoBatchHasRoomForIsRefusedAndCounted) {
  CommitCall call{.group = kGroup, .member_id = {}, .instance_id = {}, .topics = {{.name = "jobs", .id = {}, .partitions = {}}}};
  for (int i = 0; i < 300; ++i) {
    call.topics[0].partitions.push_back({.index = i, .offset = 1, .leader_epoch = -1, .metadata = std::string(4000, 'x')});
  }

  const CommitAnswer answer = groups_->step([&](GroupMachine& machine, Step& step) { return machine.commit(call, step); });

  EXPECT_EQ(answer.partitions.at(0), ErrorCode::invalid_commit_offset_size);
  EXPECT_EQ(services_.shard.limits().count(Limit::group_records), 1U);
  EXPECT_FALSE(durability_.has_work());
}

}  // namespace
}  // namespace tidelog::broker
