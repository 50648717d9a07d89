#include "client/producer/accumulator.h"

#include <gtest/gtest.h>

#include <string>

namespace tidelog::core {
namespace {

const TimePoint kNow{std::chrono::hours(1)};

std::shared_ptr<const TopicMetadata> topic_with(std::size_t partitions) {
  auto topic = std::make_shared<TopicMetadata>();
  topic->name = "logs";
  topic->partitions.resize(partitions);
  return topic;
}

struct AccumulatorTest : testing::Test {
  AccumulatorTest() { settings.batch_bytes = 1000; }
  Accumulator& accumulator() {
    if (!made) made = std::make_unique<Accumulator>(settings, 1000);
    return *made;
  }
  bool append(std::string_view value, std::int32_t partition = 0, TimePoint now = kNow) {
    TopicQueues* topic = accumulator().find_topic("logs");
    if (topic == nullptr) topic = &accumulator().add_topic(topic_with(4));
    return accumulator().append(*topic, record_ref("logs", value).partition(partition), {}, now);
  }
  PartitionQueue& queue(std::size_t partition = 0) { return *accumulator().find_topic("logs")->partitions[partition]; }
  void complete_all(PartitionQueue& of) {
    while (!of.ready.empty()) {
      accumulator().complete(std::move(of.ready.front()));
      of.ready.pop_front();
    }
  }

  Settings settings;
  std::unique_ptr<Accumulator> made;
};

TEST_F(AccumulatorTest, TellsOfABatchThatWasStartedButNotOfEachRecord) {
  EXPECT_TRUE(append("first"));
  EXPECT_FALSE(append("second"));
}

TEST_F(AccumulatorTest, ClosesABatchThatWouldGetTooLarge) {
  const std::string value(400, 'x');
  append(value);
  append(value);
  EXPECT_TRUE(queue().ready.empty());
  EXPECT_TRUE(append(value));
  ASSERT_EQ(queue().ready.size(), 1U);
  EXPECT_EQ(queue().ready.front()->builder.record_count(), 2);
  EXPECT_EQ(queue().open->builder.record_count(), 1);
}

TEST_F(AccumulatorTest, ARecordLargerThanABatchGoesAlone) {
  append("small");
  append(std::string(5000, 'x'));
  append("small");
  ASSERT_EQ(queue().ready.size(), 2U);
  EXPECT_EQ(queue().ready[1]->builder.record_count(), 1);
}

TEST_F(AccumulatorTest, ClosesBatchesThatWaitedLongEnough) {
  append("old", 0, kNow);
  append("young", 1, kNow + Milliseconds(4));
  EXPECT_EQ(accumulator().next_due(), kNow + settings.linger);
  accumulator().close_older_than(kNow);
  EXPECT_EQ(queue(0).ready.size(), 1U);
  EXPECT_EQ(queue(1).ready.size(), 0U);
}

TEST_F(AccumulatorTest, HasRoomAgainWhenABatchIsComplete) {
  settings.buffer_bytes = 500;
  append(std::string(400, 'x'));
  EXPECT_FALSE(accumulator().has_room(200));
  accumulator().close_older_than(TimePoint::max());
  complete_all(queue());
  EXPECT_TRUE(accumulator().has_room(200));
}

TEST_F(AccumulatorTest, ARecordLargerThanTheBudgetFitsWhenNothingElseIsThere) {
  settings.buffer_bytes = 500;
  EXPECT_TRUE(accumulator().has_room(5000));
  append("x");
  EXPECT_FALSE(accumulator().has_room(5000));
}

TEST_F(AccumulatorTest, IsCompleteOnlyWhenEveryEarlierBatchIs) {
  append("a", 0);
  append("b", 1);
  const std::uint64_t last = accumulator().last_id();
  accumulator().close_older_than(TimePoint::max());
  complete_all(queue(1));
  EXPECT_FALSE(accumulator().is_complete_through(last));
  append("c", 2);  // Later than what is waited for.
  complete_all(queue(0));
  EXPECT_TRUE(accumulator().is_complete_through(last));
}

TEST_F(AccumulatorTest, TheHalvesOfABatchCountAsTheBatchTheyWere) {
  append("a");
  append("b");
  const std::uint64_t last = accumulator().last_id();
  accumulator().close_older_than(TimePoint::max());
  auto first = accumulator().take_spare(kNow);
  auto second = accumulator().take_spare(kNow);
  accumulator().replace(std::move(queue().ready.front()), *first, *second);
  queue().ready.clear();
  accumulator().complete(std::move(first));
  EXPECT_FALSE(accumulator().is_complete_through(last));
  accumulator().complete(std::move(second));
  EXPECT_TRUE(accumulator().is_complete_through(last));
  EXPECT_TRUE(accumulator().has_room(static_cast<std::size_t>(settings.buffer_bytes)));
}

}  // namespace
}  // namespace tidelog::core
