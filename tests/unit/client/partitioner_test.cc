#include "client/producer/partitioner.h"

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <string_view>

namespace tidelog::core {
namespace {

Bytes to_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(PartitionOfKey, IsWhatJavaClientsChoose) {
  // From the vectors of Apache Kafka's own partitioner: partitions for counts 2, 3, 6, 10, 100, 1000.
  struct Expected {
    std::string_view key;
    std::int32_t of_2, of_3, of_6, of_10, of_100, of_1000;
  };
  for (const Expected& each :
       {Expected{"", 1, 0, 3, 1, 81, 681}, Expected{"a", 0, 1, 4, 4, 24, 524}, Expected{"ab", 0, 2, 2, 4, 34, 434}}) {
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 1), 0);
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 2), each.of_2) << each.key;
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 3), each.of_3) << each.key;
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 6), each.of_6) << each.key;
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 10), each.of_10) << each.key;
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 100), each.of_100) << each.key;
    EXPECT_EQ(partition_of_key(to_bytes(each.key), 1000), each.of_1000) << each.key;
  }
}

TEST(StickyPartitioner, StaysUntilAPartitionHasItsShare) {
  StickyPartitioner sticky(100, 0);
  EXPECT_EQ(sticky.next(60, 4), 0);
  EXPECT_EQ(sticky.next(60, 4), 0);
  EXPECT_EQ(sticky.next(60, 4), 1);
}

TEST(StickyPartitioner, GivesEveryPartitionTheSame) {
  StickyPartitioner sticky(100, 3);
  std::map<std::int32_t, int> given;
  for (int i = 0; i < 4000; ++i) ++given[sticky.next(10, 4)];
  ASSERT_EQ(given.size(), 4U);
  for (const auto& [partition, count] : given) EXPECT_EQ(count, 1000) << partition;
}

}  // namespace
}  // namespace tidelog::core
