#include "tests/unit/client/group/classic_member_rig.h"

namespace tidelog::core {
namespace {

class ClassicMemberTest : public ClassicMemberRig {
 protected:
  ClassicMemberTest() : ClassicMemberRig({Assignor::range, Assignor::round_robin}) {}
  static MemberSettings settings() { return ClassicMemberRig::settings({Assignor::range, Assignor::round_robin}); }
};

TEST_F(ClassicMemberTest, JoinsOnceSomebodyPolls) {
  expect_silence();
  member.on_poll(now);

  const JoinCall join = asked<JoinCall>();

  EXPECT_EQ(join.member_id, "");
  ASSERT_EQ(join.protocols.size(), 2U);
  EXPECT_EQ(join.protocols[0].first, "range");
  EXPECT_EQ(join.protocols[1].first, "roundrobin");
  EXPECT_EQ(read_subscription(join.protocols[0].second).topics, std::vector<std::string>{"t"});
  expect_silence();
}

TEST_F(ClassicMemberTest, JoinsAgainWithTheIdItWasGiven) {
  member.on_poll(now);
  asked<JoinCall>();
  answer(refused(ErrorCode::member_id_required, "me"));

  EXPECT_EQ(asked<JoinCall>().member_id, "me");
}

TEST_F(ClassicMemberTest, FollowsWhatTheLeaderSharedOut) {
  member.on_poll(now);
  asked<JoinCall>();
  answer(joined("another"));

  const SyncCall sync = asked<SyncCall>();
  EXPECT_EQ(sync.generation, 4);
  EXPECT_TRUE(sync.assignments.empty());
  answer(SyncAnswer{.code = ErrorCode::none, .assigned = {{"t", 1}}});

  EXPECT_EQ(member.change(), gains({{"t", 1}}));
  EXPECT_FALSE(member.is_settled());
  member.on_change_done(gains({{"t", 1}}));
  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_TRUE(member.is_settled());
  EXPECT_EQ(member.generation(), 4);
}

TEST_F(ClassicMemberTest, LeadsOnceItKnowsTheTopics) {
  member.on_poll(now);
  asked<JoinCall>();
  answer(joined("me", {candidate("me"), candidate("you")}));
  expect_silence();
  EXPECT_EQ(member.topics_wanted(), std::vector<std::string>{"t"});

  member.on_topics({{"t", {.id = {}, .partitions = 3}}});

  const SyncCall sync = asked<SyncCall>();
  ASSERT_EQ(sync.assignments.size(), 2U);
  EXPECT_EQ(sync.assignments[0].first, "me");
  EXPECT_EQ(read_assignment(sync.assignments[0].second), (std::vector<topic_partition>{{"t", 0}, {"t", 1}}));
  EXPECT_EQ(read_assignment(sync.assignments[1].second), (std::vector<topic_partition>{{"t", 2}}));
}

TEST_F(ClassicMemberTest, TheLeaderHasItSharedOutAgainWhenATopicGrows) {
  member.on_poll(now);
  asked<JoinCall>();
  answer(joined("me", {candidate("me")}));
  member.on_topics({{"t", {.id = {}, .partitions = 1}}});
  asked<SyncCall>();
  answer(SyncAnswer{.code = ErrorCode::none, .assigned = {{"t", 0}}});
  member.on_change_done(gains({{"t", 0}}));
  member.on_topics({{"t", {.id = {}, .partitions = 1}}});
  EXPECT_EQ(member.change(), std::nullopt);

  member.on_topics({{"t", {.id = {}, .partitions = 2}}});

  EXPECT_EQ(member.change(), gives_up({{"t", 0}}));
}

TEST_F(ClassicMemberTest, ALeaderThatIsToldSoSharesOutNothing) {
  member.on_poll(now);
  asked<JoinCall>();
  JoinAnswer answer_of_9 = joined("me", {candidate("me")});
  answer_of_9.skips_assignment = true;
  answer(answer_of_9);

  EXPECT_TRUE(asked<SyncCall>().assignments.empty());
}

TEST_F(ClassicMemberTest, BeatsAtItsIntervalAndNotBefore) {
  read(kBoth);
  expect_silence();
  EXPECT_EQ(member.wake(), now + 3s);
  now += 3s;

  const HeartbeatCall beat = asked<HeartbeatCall>();

  EXPECT_EQ(beat.generation, 4);
  EXPECT_EQ(beat.member_id, "me");
  expect_silence();
  answer(HeartbeatAnswer{});
  expect_silence();
}

TEST_F(ClassicMemberTest, GivesUpAllBeforeItJoinsAgain) {
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);

  EXPECT_EQ(member.change(), gives_up(kBoth));
  expect_silence();
  now += 3s;
  asked<HeartbeatCall>();  // It is a member as long as it has not given up.
  answer(HeartbeatAnswer{.code = ErrorCode::rebalance_in_progress});
  member.on_change_done(gives_up(kBoth));

  EXPECT_EQ(asked<JoinCall>().member_id, "me");
}

TEST_F(ClassicMemberTest, AssignmentsTheReaderWasBusyWithAreGivenUpAfterwards) {
  join(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  EXPECT_EQ(member.change(), gives_up({}));

  member.on_change_done(gains(kBoth));  // It was still at the one before.

  expect_silence();
  EXPECT_EQ(member.change(), gives_up(kBoth));
  member.on_change_done(gives_up(kBoth));
  asked<JoinCall>();
}

TEST_F(ClassicMemberTest, LosesAllWhenItIsNotKnownAnyMore) {
  read(kBoth);
  beat(ErrorCode::unknown_member_id);

  EXPECT_EQ(member.change(), loses(kBoth));
  EXPECT_EQ(member.generation(), -1);
  expect_silence();
  member.on_change_done(loses(kBoth));

  EXPECT_EQ(asked<JoinCall>().member_id, "");
}

TEST_F(ClassicMemberTest, KeepsItsIdWhenOnlyTheGenerationIsOver) {
  read(kBoth);
  beat(ErrorCode::illegal_generation);
  member.on_change_done(loses(kBoth));

  EXPECT_EQ(asked<JoinCall>().member_id, "me");
}

TEST_F(ClassicMemberTest, JoinsAgainWhenTheNextGenerationBeganBeforeItHeardOfThisOne) {
  member.on_poll(now);
  asked<JoinCall>();
  answer(joined("another"));
  asked<SyncCall>();
  answer(SyncAnswer{.code = ErrorCode::rebalance_in_progress, .assigned = {}});

  asked<JoinCall>();
}

TEST_F(ClassicMemberTest, AsksAgainWhatWasNotAnswered) {
  member.on_poll(now);
  asked<JoinCall>();
  member.on_failure(now);
  asked<JoinCall>();
  answer(joined("another"));
  asked<SyncCall>();
  member.on_failure(now);
  asked<JoinCall>();  // Whether the generation is still the same nobody knows.
  answer(joined("another"));
  asked<SyncCall>();
  answer(SyncAnswer{.code = ErrorCode::none, .assigned = {}});
  member.on_change_done(gains({}));
  now += 3s;
  asked<HeartbeatCall>();
  member.on_failure(now);

  asked<HeartbeatCall>();
}

TEST_F(ClassicMemberTest, LeavesWhenNobodyPollsAndComesBackWhenSomebodyDoes) {
  read(kBoth);
  now += 300s;

  EXPECT_EQ(asked<LeaveCall>().member_id, "me");
  answer(LeaveAnswer{});
  EXPECT_EQ(member.change(), loses(kBoth));
  member.on_change_done(loses(kBoth));
  expect_silence();
  member.on_poll(now);

  EXPECT_EQ(asked<JoinCall>().member_id, "");
}

TEST_F(ClassicMemberTest, SaysGoodbyeOnce) {
  read(kBoth);
  member.leave();

  EXPECT_FALSE(member.is_over());
  EXPECT_EQ(asked<LeaveCall>().member_id, "me");
  EXPECT_FALSE(member.is_over());
  answer(LeaveAnswer{});
  EXPECT_TRUE(member.is_over());
  expect_silence();
}

TEST_F(ClassicMemberTest, WhoNeverJoinedHasNothingToSay) {
  member.leave();

  EXPECT_TRUE(member.is_over());
  expect_silence();
}

TEST_F(ClassicMemberTest, AStaticMemberGoesWithoutAWord) {
  MemberSettings named = settings();
  named.instance_id = "i";
  member = ClassicMember(named);
  read(kBoth);
  member.leave();

  EXPECT_TRUE(member.is_over());
}

TEST_F(ClassicMemberTest, FailsForGoodWhereTryingAgainIsOfNoUse) {
  for (const ErrorCode code : {ErrorCode::inconsistent_group_protocol, ErrorCode::group_max_size_reached, ErrorCode::fenced_instance_id,
                               ErrorCode::invalid_session_timeout, ErrorCode::group_authorization_failed}) {
    member = ClassicMember(settings());
    member.on_poll(now);
    asked<JoinCall>();
    answer(refused(code));

    ASSERT_TRUE(member.failure().has_value());
    EXPECT_EQ(member.failure()->kafka_code(), static_cast<int>(code));
    EXPECT_TRUE(member.failure()->fatal());
    EXPECT_TRUE(member.is_over());
    expect_silence();
  }
}

}  // namespace
}  // namespace tidelog::core
