#include "tests/unit/client/group/classic_member_rig.h"

namespace tidelog::core {
namespace {

/// A member that reads on while the group shares out anew.
class CooperativeMemberTest : public ClassicMemberRig {
 protected:
  CooperativeMemberTest() : ClassicMemberRig({Assignor::cooperative_sticky}) {}

  static JoinAnswer joined_in(std::int32_t generation, std::string leader = "another", std::vector<Candidate> members = {}) {
    JoinAnswer answer = joined(std::move(leader), std::move(members));
    answer.generation = generation;
    answer.protocol = "cooperative-sticky";
    return answer;
  }
  Subscription said_when_joining() {
    const JoinCall call = asked<JoinCall>();
    EXPECT_EQ(call.protocols.size(), 1U);
    if (call.protocols.empty()) return {};
    EXPECT_EQ(call.protocols.front().first, "cooperative-sticky");
    return read_subscription(call.protocols.front().second);
  }
  void sync(const PartitionSet& assigned) {
    EXPECT_TRUE(asked<SyncCall>().assignments.empty());
    answer(SyncAnswer{.code = ErrorCode::none, .assigned = {assigned.begin(), assigned.end()}});
  }
  static std::vector<topic_partition> list(const PartitionSet& partitions) { return {partitions.begin(), partitions.end()}; }
};

TEST_F(CooperativeMemberTest, SaysThatItHasNothingWhenItComes) {
  member.on_poll(now);

  const Subscription said = said_when_joining();

  EXPECT_EQ(said.topics, std::vector<std::string>{"t"});
  EXPECT_TRUE(said.owned.empty());
  EXPECT_EQ(said.generation, -1);
  EXPECT_FALSE(member.is_rejoining());
}

TEST_F(CooperativeMemberTest, SaysWhereItRuns) {
  MemberSettings here = settings({Assignor::cooperative_sticky});
  here.rack = "west";
  member = ClassicMember(here);
  member.on_poll(now);

  EXPECT_EQ(said_when_joining().rack, "west");
}

TEST_F(CooperativeMemberTest, ReadsOnWhileItJoinsAgainAndTakesWhatIsNewAtOnce) {
  read({{"t", 0}});
  beat(ErrorCode::rebalance_in_progress);
  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_TRUE(member.is_rejoining());

  const Subscription said = said_when_joining();
  EXPECT_EQ(said.owned, list({{"t", 0}}));
  EXPECT_EQ(said.generation, 4);
  EXPECT_EQ(member.generation(), 4);  // What is committed meanwhile is of the generation that is not over yet.
  answer(joined_in(5));
  EXPECT_EQ(member.change(), std::nullopt);
  sync({{"t", 0}, {"t", 3}});

  EXPECT_FALSE(member.is_rejoining());
  EXPECT_EQ(member.change(), gains({{"t", 3}}));
  member.on_change_done(gains({{"t", 3}}));
  EXPECT_TRUE(member.is_settled());
  expect_silence();
}

TEST_F(CooperativeMemberTest, GivesUpOnlyWhatGoesToOthersAndThenJoinsAgainAtOnce) {
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  answer(joined_in(5));
  sync({{"t", 0}});

  EXPECT_EQ(member.change(), gives_up({{"t", 1}}));
  expect_silence();  // Not before it has given up.
  member.on_change_done(gives_up({{"t", 1}}));

  EXPECT_FALSE(member.is_settled());
  const Subscription said = said_when_joining();
  EXPECT_EQ(said.owned, list({{"t", 0}}));
  EXPECT_EQ(said.generation, 5);
  answer(joined_in(6));
  sync({{"t", 0}});
  EXPECT_EQ(member.change(), Change{});
  member.on_change_done({});
  EXPECT_TRUE(member.is_settled());
  expect_silence();
}

TEST_F(CooperativeMemberTest, ClaimsWhatTheReaderMayBeAboutToTake) {
  join(kBoth);
  beat(ErrorCode::rebalance_in_progress);

  EXPECT_EQ(said_when_joining().owned, list(kBoth));
  answer(joined_in(5));
  EXPECT_EQ(member.change(), gains(kBoth));  // It is in the group, and nobody else has them.
  sync({{"t", 0}});
  EXPECT_EQ(member.change(), gains({{"t", 0}}));
  beat(ErrorCode::rebalance_in_progress);
  EXPECT_EQ(said_when_joining().owned, list(kBoth));  // The reader may still be at the first one.
  answer(joined_in(6));
  sync({{"t", 0}});
  member.on_change_done(gains(kBoth));

  EXPECT_EQ(member.change(), gives_up({{"t", 1}}));
  member.on_change_done(gives_up({{"t", 1}}));
  EXPECT_EQ(said_when_joining().owned, list({{"t", 0}}));
}

TEST_F(CooperativeMemberTest, JoinsAgainForWhatItNeverTook) {
  join(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  answer(joined_in(5));
  sync({{"t", 0}});

  EXPECT_EQ(member.change(), gains({{"t", 0}}));
  member.on_change_done(gains({{"t", 0}}));

  EXPECT_EQ(said_when_joining().owned, list({{"t", 0}}));  // Others wait to hear that it has not the other one.
}

TEST_F(CooperativeMemberTest, NamesTheGenerationInWhichItWasGivenWhatItHas) {
  read({{"t", 0}});
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  answer(joined_in(5));
  asked<SyncCall>();
  answer(SyncAnswer{.code = ErrorCode::rebalance_in_progress, .assigned = {}});

  EXPECT_EQ(member.change(), std::nullopt);
  const Subscription said = said_when_joining();
  EXPECT_EQ(said.owned, list({{"t", 0}}));
  EXPECT_EQ(said.generation, 4);
}

TEST_F(CooperativeMemberTest, KeepsWhatItHasWhenAJoinOrASyncIsNotAnswered) {
  read({{"t", 0}});
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  member.on_failure(now);
  said_when_joining();
  answer(joined_in(5));
  asked<SyncCall>();
  member.on_failure(now);

  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_EQ(said_when_joining().owned, list({{"t", 0}}));
}

TEST_F(CooperativeMemberTest, LosesAllWhenItIsThrownOut) {
  for (const ErrorCode code : {ErrorCode::unknown_member_id, ErrorCode::illegal_generation}) {
    member = ClassicMember(settings({Assignor::cooperative_sticky}));
    read(kBoth);
    beat(code);

    EXPECT_EQ(member.change(), loses(kBoth));
    EXPECT_EQ(member.generation(), -1);
    EXPECT_FALSE(member.is_rejoining());
    expect_silence();
    member.on_change_done(loses(kBoth));

    const Subscription said = said_when_joining();
    EXPECT_TRUE(said.owned.empty());
    EXPECT_EQ(said.generation, -1);
  }
}

TEST_F(CooperativeMemberTest, LosesAllWhenItIsThrownOutWhileItJoinsAgain) {
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  answer(refused(ErrorCode::unknown_member_id));
  EXPECT_EQ(member.change(), loses(kBoth));
  member.on_change_done(loses(kBoth));
  EXPECT_TRUE(said_when_joining().owned.empty());
}

TEST_F(CooperativeMemberTest, LosesAllWhenAnotherHasItsName) {
  read(kBoth);
  beat(ErrorCode::fenced_instance_id);

  EXPECT_EQ(member.change(), loses(kBoth));
  ASSERT_TRUE(member.failure().has_value());
  EXPECT_TRUE(member.is_over());
}

TEST_F(CooperativeMemberTest, LeavesWhenNobodyPollsWhileItWaitsForOthers) {
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  said_when_joining();
  EXPECT_EQ(member.wake(), now - 3s + 300s);
  now += 300s;

  expect_silence();
  EXPECT_EQ(member.change(), loses(kBoth));
  answer(joined_in(5));
  EXPECT_EQ(asked<LeaveCall>().member_id, "me");
  answer(LeaveAnswer{});
  member.on_change_done(loses(kBoth));
  expect_silence();
  member.on_poll(now);

  EXPECT_TRUE(said_when_joining().owned.empty());
}

TEST_F(CooperativeMemberTest, AsTheLeaderItTakesFromOneAndGivesToTheOtherInTheNext) {
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);
  const std::vector<topic_partition> mine = said_when_joining().owned;
  Candidate me = candidate("me");
  me.subscription.owned = mine;
  me.subscription.generation = 4;
  answer(joined_in(5, "me", {me, candidate("you")}));
  member.on_topics({{"t", {.id = {}, .partitions = 2}}});

  const SyncCall first = asked<SyncCall>();

  ASSERT_EQ(first.assignments.size(), 2U);
  EXPECT_EQ(read_assignment(first.assignments[0].second), list({{"t", 1}}));
  EXPECT_EQ(read_assignment(first.assignments[1].second), list({}));
  answer(SyncAnswer{.code = ErrorCode::none, .assigned = {{"t", 1}}});
  member.on_change_done(gives_up({{"t", 0}}));
  me.subscription.owned = said_when_joining().owned;
  me.subscription.generation = 5;
  answer(joined_in(6, "me", {me, candidate("you")}));
  member.on_topics({{"t", {.id = {}, .partitions = 2}}});
  const SyncCall second = asked<SyncCall>();
  EXPECT_EQ(read_assignment(second.assignments[0].second), list({{"t", 1}}));
  EXPECT_EQ(read_assignment(second.assignments[1].second), list({{"t", 0}}));
}

TEST_F(CooperativeMemberTest, TheLeaderReadsOnWhenATopicGrows) {
  member.on_poll(now);
  said_when_joining();
  answer(joined_in(4, "me", {candidate("me")}));
  member.on_topics({{"t", {.id = {}, .partitions = 1}}});
  asked<SyncCall>();
  answer(SyncAnswer{.code = ErrorCode::none, .assigned = {{"t", 0}}});
  member.on_change_done(gains({{"t", 0}}));

  member.on_topics({{"t", {.id = {}, .partitions = 2}}});

  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_EQ(said_when_joining().owned, list({{"t", 0}}));
}

TEST_F(CooperativeMemberTest, AListWithAnotherThatDoesNotAllowForItGivesUpAllFirst) {
  member = ClassicMember(settings({Assignor::cooperative_sticky, Assignor::range}));
  read(kBoth);
  beat(ErrorCode::rebalance_in_progress);

  EXPECT_EQ(member.change(), gives_up(kBoth));
  expect_silence();
  member.on_change_done(gives_up(kBoth));

  const JoinCall call = asked<JoinCall>();
  ASSERT_EQ(call.protocols.size(), 2U);
  EXPECT_TRUE(read_subscription(call.protocols[0].second).owned.empty());
}

}  // namespace
}  // namespace tidelog::core
