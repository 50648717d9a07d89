#include "broker/group/offset_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::broker {
namespace {

Uuid id(unsigned char of) { return {.bytes = {std::byte{of}}}; }

OffsetRecord::Value at(std::int64_t offset, const Uuid& topic_id = {}) {
  return {.offset = Offset{offset}, .metadata = {}, .committed_at = TimestampMs{1}, .topic_id = topic_id};
}

TEST(OffsetTable, KeepsAllThatAValueSays) {
  TopicPool pool;
  OffsetTable table(pool);
  const OffsetRecord::Value value{.offset = Offset{7},
                                  .leader_epoch = LeaderEpoch{3},
                                  .metadata = "longer than any string that fits into itself",
                                  .committed_at = TimestampMs{11},
                                  .expires_at = TimestampMs{12},
                                  .topic_id = id(9)};

  table.put({"orders", PartitionIndex{5}}, value);

  const StoredOffset* const found = table.find({"orders", PartitionIndex{5}});
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->value(), value);
  EXPECT_EQ(table.find({"orders", PartitionIndex{4}}), nullptr);
  EXPECT_EQ(table.find({"order", PartitionIndex{5}}), nullptr);
}

TEST(OffsetTable, ALaterCommitReplacesTheEarlierOneOfATopicThatWasMadeAnew) {
  TopicPool pool;
  OffsetTable table(pool);
  table.put({"t", PartitionIndex{0}}, at(1, id(1)));
  table.put({"t", PartitionIndex{1}}, at(2, id(1)));

  table.put({"t", PartitionIndex{0}}, at(3, id(2)));

  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.find({"t", PartitionIndex{0}})->topic_id(), id(2));
  EXPECT_EQ(table.find({"t", PartitionIndex{1}})->topic_id(), id(1));
  EXPECT_EQ(pool.size(), 2U);
}

TEST(OffsetTable, ANameIsGivenBackWithTheLastOffsetThatUsesIt) {
  TopicPool pool;
  OffsetTable one(pool);
  {
    OffsetTable other(pool);
    one.put({"t", PartitionIndex{0}}, at(1, id(1)));
    other.put({"t", PartitionIndex{0}}, at(1, id(1)));
    other.put({"u", PartitionIndex{0}}, at(1));
    EXPECT_EQ(pool.size(), 2U);
  }
  EXPECT_EQ(pool.size(), 1U);

  one.put({"t", PartitionIndex{0}}, at(2, id(2)));
  EXPECT_EQ(pool.size(), 1U);

  EXPECT_TRUE(one.erase({"t", PartitionIndex{0}}));
  EXPECT_FALSE(one.erase({"t", PartitionIndex{0}}));
  EXPECT_EQ(pool.size(), 0U);
}

TEST(OffsetTable, TakesItsOwnNamesAsKeys) {
  TopicPool pool;
  OffsetTable table(pool);
  table.put({"a topic whose name is on the heap", PartitionIndex{0}}, at(1, id(1)));

  table.put({table.begin()->topic(), PartitionIndex{0}}, at(2, id(2)));
  EXPECT_EQ(table.begin()->offset(), Offset{2});

  EXPECT_TRUE(table.erase({table.begin()->topic(), PartitionIndex{0}}));
  EXPECT_TRUE(table.empty());
}

TEST(OffsetTable, GoesOnFromWhereAScanStopped) {
  TopicPool pool;
  OffsetTable table(pool);
  for (const char* topic : {"b", "a", "c"}) {
    for (int partition = 2; partition >= 0; --partition) table.put({topic, PartitionIndex{partition}}, at(0));
  }

  std::string seen;
  for (auto it = table.from({"a", PartitionIndex{2}}); it != table.end(); ++it) seen += it->topic() + std::to_string(it->partition().value);

  EXPECT_EQ(seen, "a2b0b1b2c0c1c2");
}

TEST(OffsetTable, AgreesWithAPlainMapAfterAnyChanges) {
  std::mt19937 random(3);
  TopicPool pool;
  OffsetTable table(pool);
  std::map<std::pair<std::string, int>, OffsetRecord::Value> model;
  for (int step = 0; step < 50'000; ++step) {
    const std::string topic(1, static_cast<char>('a' + (random() % 5)));
    const int partition = static_cast<int>(random() % 40);
    if (random() % 10 < (step < 25'000 ? 7U : 2U)) {
      OffsetRecord::Value value = at(step, id(static_cast<unsigned char>(random() % 3)));
      if (random() % 2 == 0) value.metadata = std::to_string(step);
      if (random() % 4 == 0) value.expires_at = TimestampMs{step};
      table.put({topic, PartitionIndex{partition}}, value);
      model.insert_or_assign({topic, partition}, value);
    } else {
      EXPECT_EQ(table.erase({topic, PartitionIndex{partition}}), model.erase({topic, partition}) == 1);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::map<std::pair<std::string, int>, OffsetRecord::Value> contents;
  for (const StoredOffset& offset : table) contents.emplace(std::pair(offset.topic(), offset.partition().value), offset.value());
  EXPECT_EQ(contents, model);
}

}  // namespace
}  // namespace tidelog::broker
