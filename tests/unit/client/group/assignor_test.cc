#include "client/group/assignor.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

Candidate member(std::string id, std::vector<std::string> topics, std::string instance_id = {}) {
  Subscription subscription{.topics = std::move(topics), .owned = {}};
  return {.id = std::move(id), .instance_id = std::move(instance_id), .subscription = std::move(subscription)};
}

std::string text(const std::vector<topic_partition>& partitions) {
  std::string all;
  for (const topic_partition& each : partitions) all += (all.empty() ? "" : " ") + each.topic() + std::to_string(each.partition());
  return all;
}

TEST(RangeAssignor, GivesNeighboursTogetherAndTheRestToTheFirst) {
  const Assignments shared = share_out(Assignor::range, {member("b", {"t"}), member("a", {"t"}), member("c", {"t"})}, {{"t", 7}});

  EXPECT_EQ(text(shared.at("a")), "t0 t1 t2");
  EXPECT_EQ(text(shared.at("b")), "t3 t4");
  EXPECT_EQ(text(shared.at("c")), "t5 t6");
}

TEST(RangeAssignor, SharesEachTopicAmongItsOwnSubscribers) {
  const Assignments shared = share_out(Assignor::range, {member("a", {"t", "u"}), member("b", {"u"})}, {{"t", 2}, {"u", 2}});

  EXPECT_EQ(text(shared.at("a")), "t0 t1 u0");
  EXPECT_EQ(text(shared.at("b")), "u1");
}

TEST(RoundRobinAssignor, DealsOneAfterTheOtherOverAllTopics) {
  const Assignments shared = share_out(Assignor::round_robin, {member("a", {"t", "u"}), member("b", {"t", "u"})}, {{"t", 3}, {"u", 3}});

  EXPECT_EQ(text(shared.at("a")), "t0 t2 u1");
  EXPECT_EQ(text(shared.at("b")), "t1 u0 u2");
}

TEST(RoundRobinAssignor, PassesOverWhoDoesNotWantTheTopic) {
  const Assignments shared =
      share_out(Assignor::round_robin, {member("a", {"t"}), member("b", {"u"}), member("c", {"t"})}, {{"t", 3}, {"u", 1}});

  EXPECT_EQ(text(shared.at("a")), "t0 t2");
  EXPECT_EQ(text(shared.at("b")), "u0");
  EXPECT_EQ(text(shared.at("c")), "t1");
}

TEST(ShareOut, KnowsMembersWithoutPartitionsAndTopicsThatAreNotThere) {
  for (const Assignor assignor : {Assignor::range, Assignor::round_robin, Assignor::cooperative_sticky}) {
    const Assignments shared = share_out(assignor, {member("a", {"t", "t", "gone"}), member("b", {"t"}), member("c", {})}, {{"t", 1}});

    EXPECT_EQ(text(shared.at("a")), "t0");
    EXPECT_EQ(text(shared.at("b")), "");
    EXPECT_EQ(text(shared.at("c")), "");
  }
}

TEST(ShareOut, OrdersStaticMembersByWhatTheyKeep) {
  const Assignments before = share_out(Assignor::range, {member("z", {"t"}, "one"), member("a", {"t"}, "two")}, {{"t", 2}});
  const Assignments after = share_out(Assignor::range, {member("b", {"t"}, "one"), member("a", {"t"}, "two")}, {{"t", 2}});

  EXPECT_EQ(text(before.at("z")), "t0");
  EXPECT_EQ(text(after.at("b")), "t0");
}

TEST(FindAssignor, KnowsThoseItNames) {
  EXPECT_EQ(find_assignor("range"), Assignor::range);
  EXPECT_EQ(find_assignor("roundrobin"), Assignor::round_robin);
  EXPECT_EQ(find_assignor("cooperative-sticky"), Assignor::cooperative_sticky);
  EXPECT_EQ(find_assignor("sticky"), std::nullopt);
}

TEST(KeepsReading, OnlyIfAllThatAreListedAllowForIt) {
  EXPECT_TRUE(keeps_reading({Assignor::cooperative_sticky}));
  EXPECT_FALSE(keeps_reading({Assignor::cooperative_sticky, Assignor::range}));
  EXPECT_FALSE(keeps_reading({Assignor::range}));
  EXPECT_FALSE(keeps_reading({}));
}

}  // namespace
}  // namespace tidelog::core
