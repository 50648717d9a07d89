#include "client/group/embedded.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

TEST(Embedded, WritesASubscriptionAsKafkaDoes) {
  const Subscription wanted{.topics = {"ab"}, .owned = {{"c", 5}}, .generation = 9, .rack = "r"};

  EXPECT_EQ(write_subscription(wanted), bytes({0,    3,                                                      // version
                                               0,    0,    0,    1,    0, 2, 'a', 'b',                       // topics
                                               0xff, 0xff, 0xff, 0xff,                                       // user data
                                               0,    0,    0,    1,    0, 1, 'c', 0,   0, 0, 1, 0, 0, 0, 5,  // owned
                                               0,    0,    0,    9,                                          // generation
                                               0,    1,    'r'}));                                           // rack
  EXPECT_EQ(read_subscription(write_subscription(wanted)), wanted);
}

TEST(Embedded, RepeatsTheGenerationForLeadersThatKnowNoVersionWithOne) {
  const Subscription wanted{.topics = {"t"}, .owned = {}, .generation = 9};

  EXPECT_EQ(write_subscription(wanted, true),
            bytes({0, 3, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff}));
}

TEST(Embedded, ReadsTheGenerationWhereMembersOfThatVersionHaveIt) {
  const auto with = bytes({0, 1, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 4, 0, 0, 1, 2, 0, 0, 0, 0});
  const auto without = bytes({0, 1, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 3, 0, 0, 1, 0, 0, 0, 0});
  const auto newer = bytes({0, 2, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 4, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5});

  EXPECT_EQ(read_subscription(with).generation, 258);
  EXPECT_EQ(read_subscription(without).generation, -1);
  EXPECT_EQ(read_subscription(newer).generation, 5);
}

TEST(Embedded, WritesAnAssignmentAsKafkaDoes) {
  EXPECT_EQ(write_assignment({{"t", 1}, {"t", 0}}),
            bytes({0, 1, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_EQ(read_assignment(write_assignment({{"t", 1}, {"u", 0}})), (std::vector<topic_partition>{{"t", 1}, {"u", 0}}));
}

TEST(Embedded, ReadsTheFirstVersionAndOnesYetToCome) {
  const auto first = bytes({0, 0, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff});
  const auto later = bytes({0, 9, 0, 0, 0, 1, 0, 1, 't', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 7, 7, 7});

  EXPECT_EQ(read_subscription(first).topics, std::vector<std::string>{"t"});
  EXPECT_EQ(read_subscription(later).topics, std::vector<std::string>{"t"});
  EXPECT_EQ(read_subscription(later).generation, 1);
}

TEST(Embedded, TakesNoHarmFromBytesThatAreNone) {
  const auto whole = write_assignment({{"topic", 1}, {"other", 2}});
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_TRUE(read_assignment(Bytes(whole).first(size)).empty()) << size;
  EXPECT_TRUE(read_assignment(bytes({0xff, 0xff, 0, 0, 0, 0})).empty());
  EXPECT_TRUE(read_assignment(bytes({0, 0, 0x7f, 0xff, 0xff, 0xff})).empty());
  EXPECT_EQ(read_subscription({}), Subscription{});
}

}  // namespace
}  // namespace tidelog::core
