#include "broker/group/group_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

// The expected numbers come from Java's own String.hashCode and Kafka's partitionFor.
namespace tidelog::broker::test {
namespace {

using namespace std::string_view_literals;

struct Known {
  std::string_view group;
  std::int32_t hash;
  std::int32_t of_50;
};

TEST(GroupHash, IsJavas) {
  constexpr Known kKnown[] = {
      {.group = "", .hash = 0, .of_50 = 0},
      {.group = "a", .hash = 97, .of_50 = 47},
      {.group = "console-consumer-12345", .hash = 158455506, .of_50 = 6},
      {.group = "connect-cluster", .hash = 1440343063, .of_50 = 13},
      {.group = "my-group", .hash = -1906497762, .of_50 = 12},
      {.group = "orders.v2", .hash = -390712795, .of_50 = 45},
      {.group = "group-\0-nul"sv, .hash = -437776534, .of_50 = 34},
  };

  for (const Known& known : kKnown) {
    EXPECT_EQ(java_string_hash(known.group), known.hash) << known.group;
    EXPECT_EQ(partition_of_group(known.group, 50).value, known.of_50) << known.group;
  }
}

TEST(GroupHash, CountsUtf16Units) {
  constexpr Known kKnown[] = {
      {.group = "größe", .hash = 98762257, .of_50 = 7},
      {.group = "漢字", .hash = 905333, .of_50 = 33},
      {.group = "😀-group", .hash = -1198440043, .of_50 = 43},
  };

  for (const Known& known : kKnown) {
    EXPECT_EQ(java_string_hash(known.group), known.hash) << known.group;
    EXPECT_EQ(partition_of_group(known.group, 50).value, known.of_50) << known.group;
  }
}

TEST(GroupHash, TheLeastNumberIsPartitionZero) {
  EXPECT_EQ(java_string_hash("polygenelubricants"), INT32_MIN);

  EXPECT_EQ(partition_of_group("polygenelubricants", 50).value, 0);
  EXPECT_EQ(partition_of_group("GydZG_", 7).value, 0);
}

TEST(GroupHash, WhatIsNotUtf8CountsAsJavaReadsIt) {
  constexpr std::int32_t kReplacement = 0xFFFD;
  EXPECT_EQ(java_string_hash("a\x80"
                             "b"),
            2124838);
  EXPECT_EQ(java_string_hash("\xff"), kReplacement);
  EXPECT_EQ(java_string_hash("\xe2\x82"), kReplacement) << "cut within a character";
  EXPECT_EQ(java_string_hash("\xf0\x9f\x98"), kReplacement) << "cut within a character of two units";
  EXPECT_EQ(java_string_hash("\xed\xa0\x80"), kReplacement) << "a surrogate on its own";
  EXPECT_EQ(java_string_hash("\xc0\xaf"), 32 * kReplacement) << "longer than needed";
  EXPECT_EQ(java_string_hash("\xf4\x90\x80\x80"), 2017367872) << "behind the last character";
}

TEST(GroupHash, EveryPartitionIsReached) {
  std::set<std::int32_t> reached;

  for (int i = 0; i < 1000; ++i) reached.insert(partition_of_group("group-" + std::to_string(i), 50).value);

  EXPECT_EQ(reached.size(), 50U);
  EXPECT_EQ(*reached.begin(), 0);
  EXPECT_EQ(*reached.rbegin(), 49);
}

}  // namespace
}  // namespace tidelog::broker::test
