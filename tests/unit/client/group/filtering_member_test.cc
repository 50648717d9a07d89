#include "tests/unit/client/group/classic_member_rig.h"

namespace tidelog::core {
namespace {

/// A member that wants whatever matches a pattern.
class FilteringMemberTest : public ClassicMemberRig {
 protected:
  FilteringMemberTest() : ClassicMemberRig({Assignor::range}) { want({Assignor::range}); }

  void want(std::vector<Assignor> assignors) {
    MemberSettings wanted = settings(std::move(assignors));
    wanted.topics.clear();
    wanted.filter = *TopicFilter::compile("t.*");
    member = ClassicMember(wanted);
  }
  static TopicShapes shapes(const std::vector<std::string>& names) {
    TopicShapes all;
    for (const std::string& name : names) all[name] = {.id = {}, .partitions = 1, .is_internal = name.starts_with("__") || name == "tide"};
    return all;
  }
  std::vector<std::string> joins_with() {
    const JoinCall call = asked<JoinCall>();
    return call.protocols.empty() ? std::vector<std::string>() : read_subscription(call.protocols.front().second).topics;
  }
  void sync(const PartitionSet& assigned) {
    asked<SyncCall>();
    answer(SyncAnswer{.code = ErrorCode::none, .assigned = {assigned.begin(), assigned.end()}});
  }
};

using Names = std::vector<std::string>;

TEST_F(FilteringMemberTest, JoinsOnceAllTopicsAreKnownWithThoseThatMatch) {
  member.on_poll(now);
  expect_silence();
  EXPECT_TRUE(member.wants_all_topics());

  member.on_topics(shapes({"a", "t1", "t2", "tide"}));  // The last one is the cluster's own.

  EXPECT_FALSE(member.wants_all_topics());
  EXPECT_EQ(joins_with(), (Names{"t1", "t2"}));
}

TEST_F(FilteringMemberTest, JoinsAgainWhenATopicComesThatMatches) {
  member.on_poll(now);
  member.on_topics(shapes({"t1"}));
  joins_with();
  answer(joined("another"));
  sync({{"t1", 0}});
  member.on_change_done(gains({{"t1", 0}}));
  member.on_topics(shapes({"t1", "a"}));
  EXPECT_EQ(member.change(), std::nullopt);
  expect_silence();

  member.on_topics(shapes({"t1", "t2", "a"}));

  EXPECT_EQ(member.change(), gives_up({{"t1", 0}}));
  member.on_change_done(gives_up({{"t1", 0}}));
  EXPECT_EQ(joins_with(), (Names{"t1", "t2"}));
}

TEST_F(FilteringMemberTest, ReadsOnWhileItJoinsForAnotherTopicIfItKeepsWhatItHas) {
  want({Assignor::cooperative_sticky});
  member.on_poll(now);
  member.on_topics(shapes({"t1", "t2"}));
  joins_with();
  answer(joined("another"));
  sync({{"t1", 0}});
  member.on_change_done(gains({{"t1", 0}}));

  member.on_topics(shapes({"t1"}));

  EXPECT_EQ(member.change(), std::nullopt);
  EXPECT_EQ(joins_with(), Names{"t1"});
}

TEST_F(FilteringMemberTest, NoticesWhatCameWhileItJoined) {
  member.on_poll(now);
  member.on_topics(shapes({"t1"}));
  joins_with();
  member.on_topics(shapes({"t1", "t2"}));
  answer(joined("another"));
  sync({{"t1", 0}});

  EXPECT_EQ(member.change(), gives_up({}));
  member.on_change_done(gives_up({}));
  EXPECT_EQ(joins_with(), (Names{"t1", "t2"}));
}

TEST_F(FilteringMemberTest, WaitsInTheGroupWhileNothingMatches) {
  member.on_poll(now);
  member.on_topics(shapes({"a"}));
  EXPECT_EQ(joins_with(), Names{});
  Candidate me = candidate("me");
  me.subscription.topics.clear();
  answer(joined("me", {me}));

  sync({});  // There is nothing to share out, and nothing to wait for.

  member.on_change_done({});
  EXPECT_TRUE(member.is_settled());
  member.on_topics(shapes({"a", "t1"}));
  EXPECT_EQ(member.change(), gives_up({}));
}

}  // namespace
}  // namespace tidelog::core
