#include "client/producer/lane.h"

#include "proto/record/batch.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

constexpr Identity kFirst{.producer_id = 7, .epoch = 0};
constexpr Identity kSecond{.producer_id = 8, .epoch = 0};
const TimePoint kNow{};

std::unique_ptr<PendingBatch> batch_of(int records, std::uint64_t id = 1) {
  auto batch = std::make_unique<PendingBatch>();
  batch->reset(id, kNow);
  const std::byte value{};
  for (int i = 0; i < records; ++i) batch->builder.append({.timestamp = {0}, .key = {}, .value = {&value, 1}, .headers = {}});
  return batch;
}

/// A lane with one record acknowledged, so that the next has sequence 1, and batches of the given sizes in flight.
Lane lane_with(std::initializer_list<int> sizes, std::vector<PendingBatch*>& taken) {
  Lane lane(true);
  lane.set_identity(kFirst);
  lane.add(batch_of(1, 100));
  PendingBatch* const first = lane.take(kNow);
  EXPECT_EQ(lane.judge(*first, ErrorCode::none, kNow), Verdict::written);
  lane.remove(*first);
  std::uint64_t id = 1;
  for (const int size : sizes) {
    lane.add(batch_of(size, id++));
    taken.push_back(lane.take(kNow));
  }
  return lane;
}

TEST(Lane, NumbersRecordsWithoutGaps) {
  std::vector<PendingBatch*> taken;
  const Lane lane = lane_with({3, 5, 1}, taken);
  EXPECT_EQ(taken[0]->base_sequence, 1);
  EXPECT_EQ(taken[1]->base_sequence, 4);
  EXPECT_EQ(taken[2]->base_sequence, 9);
}

TEST(Lane, SendsTheFirstBatchUnderAnIdentityAlone) {
  Lane lane(true);
  lane.set_identity(kFirst);
  lane.add(batch_of(1, 1));
  lane.add(batch_of(1, 2));
  PendingBatch* const first = lane.take(kNow);
  EXPECT_EQ(lane.take(kNow), nullptr) << "a broker that refused the first would take the second, whatever its number";
  EXPECT_FALSE(lane.can_add());
  ASSERT_EQ(lane.judge(*first, ErrorCode::not_leader_or_follower, kNow), Verdict::retry);
  EXPECT_EQ(lane.take(kNow), first);
  ASSERT_EQ(lane.judge(*first, ErrorCode::none, kNow), Verdict::written);
  lane.remove(*first);
  EXPECT_NE(lane.take(kNow), nullptr);
  EXPECT_TRUE(lane.can_add());
}

TEST(Lane, SequencesWrapToZero) {
  EXPECT_EQ(advance_sequence(0x7ffffffe, 1), 0x7fffffff);
  EXPECT_EQ(advance_sequence(0x7fffffff, 1), 0);
  EXPECT_EQ(advance_sequence(0x7fffffff, 3), 2);
}

TEST(Lane, TakesNothingNewBeforeItHasAnIdentity) {
  Lane lane(true);
  EXPECT_FALSE(lane.can_add());
  EXPECT_TRUE(lane.needs_identity());
  lane.set_identity(kFirst);
  EXPECT_TRUE(lane.can_add());
}

TEST(Lane, SendsALostBatchAgainWithItsNumbersBeforeAnythingNew) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({2, 2}, taken);
  lane.on_lost(*taken[0], kNow);
  EXPECT_FALSE(lane.can_add());
  PendingBatch* const again = lane.take(kNow);
  EXPECT_EQ(again, taken[0]);
  EXPECT_EQ(again->base_sequence, 1);
}

TEST(Lane, WaitsUntilThePauseIsOver) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1}, taken);
  lane.on_lost(*taken[0], kNow + std::chrono::milliseconds(100));
  EXPECT_EQ(lane.take(kNow + std::chrono::milliseconds(99)), nullptr);
  EXPECT_EQ(lane.take(kNow + std::chrono::milliseconds(100)), taken[0]);
}

TEST(Lane, TakesADuplicateForWritten) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1}, taken);
  EXPECT_EQ(lane.judge(*taken[0], ErrorCode::duplicate_sequence_number, kNow), Verdict::written);
}

TEST(Lane, RetriesWhatBouncedBehindALostBatch) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1, 1}, taken);
  EXPECT_EQ(lane.judge(*taken[0], ErrorCode::not_leader_or_follower, kNow), Verdict::retry);
  EXPECT_EQ(lane.judge(*taken[1], ErrorCode::out_of_order_sequence_number, kNow), Verdict::retry);
  EXPECT_EQ(lane.take(kNow), taken[0]);
  EXPECT_EQ(lane.take(kNow), taken[1]);
}

TEST(Lane, OutOfOrderOfTheOldestBatchIsFatalIfItStays) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1}, taken);
  Verdict verdict = Verdict::retry;
  int attempts = 0;
  while (verdict == Verdict::retry && ++attempts < 10) {
    verdict = lane.judge(*taken[0], ErrorCode::out_of_order_sequence_number, kNow);
    if (verdict == Verdict::retry) lane.take(kNow);
  }
  EXPECT_EQ(verdict, Verdict::fatal);
  EXPECT_GT(attempts, 1);
}

TEST(Lane, NumbersWhatBouncedOffAHoleAnewUnderAnotherIdentity) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({4, 2, 1}, taken);
  ASSERT_EQ(lane.judge(*taken[0], ErrorCode::invalid_record, kNow), Verdict::failed);
  lane.fail(*taken[0]);
  EXPECT_FALSE(lane.needs_identity()) << "two batches have no answer yet";
  EXPECT_EQ(lane.judge(*taken[1], ErrorCode::out_of_order_sequence_number, kNow), Verdict::retry);
  EXPECT_EQ(lane.take(kNow), nullptr) << "it may not go under numbers that the broker refuses";
  EXPECT_EQ(lane.judge(*taken[2], ErrorCode::out_of_order_sequence_number, kNow), Verdict::retry);
  ASSERT_TRUE(lane.needs_identity());
  lane.set_identity(kSecond);
  PendingBatch* const first = lane.take(kNow);
  EXPECT_EQ(first, taken[1]);
  EXPECT_EQ(first->base_sequence, 0);
  EXPECT_EQ(first->identity, kSecond);
  ASSERT_EQ(lane.judge(*first, ErrorCode::none, kNow), Verdict::written);
  lane.remove(*first);
  EXPECT_EQ(lane.take(kNow)->base_sequence, 2);
}

TEST(Lane, AsksAboutABatchWithoutAnswerUnderItsOldNumbers) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1, 1}, taken);
  ASSERT_EQ(lane.judge(*taken[0], ErrorCode::invalid_record, kNow), Verdict::failed);
  lane.fail(*taken[0]);
  lane.on_lost(*taken[1], kNow);
  EXPECT_FALSE(lane.needs_identity()) << "the broker may have it";
  EXPECT_EQ(lane.take(kNow), taken[1]);
  EXPECT_EQ(taken[1]->base_sequence, 2);
  EXPECT_EQ(taken[1]->identity, kFirst);
}

TEST(Lane, GivesTheNumbersOfTheLastBatchBackWhenItWasRefused) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({2, 3}, taken);
  ASSERT_EQ(lane.judge(*taken[1], ErrorCode::invalid_record, kNow), Verdict::failed);
  lane.fail(*taken[1]);
  EXPECT_TRUE(lane.can_add());
  lane.add(batch_of(1, 9));
  EXPECT_EQ(lane.take(kNow)->base_sequence, 3);
}

TEST(Lane, BeginsAnewWhenTheBrokerForgotTheProducer) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({2}, taken);
  EXPECT_EQ(lane.judge(*taken[0], ErrorCode::unknown_producer_id, kNow), Verdict::retry);
  EXPECT_TRUE(lane.needs_identity());
}

TEST(Lane, SplitsATooLargeBatchKeepingItsNumbers) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({2, 5, 1}, taken);
  ASSERT_EQ(lane.judge(*taken[1], ErrorCode::message_too_large, kNow), Verdict::split);
  lane.replace(*taken[1], batch_of(2, 11), batch_of(3, 12));
  PendingBatch* const first = lane.take(kNow);
  PendingBatch* const second = lane.take(kNow);
  EXPECT_EQ(first->base_sequence, 3);
  EXPECT_EQ(second->base_sequence, 5);
}

TEST(Lane, ASingleRecordThatIsTooLargeFails) {
  std::vector<PendingBatch*> taken;
  Lane lane = lane_with({1}, taken);
  EXPECT_EQ(lane.judge(*taken[0], ErrorCode::message_too_large, kNow), Verdict::failed);
}

TEST(PendingBatch, IsStampedAnewWithAValidChecksum) {
  const auto batch = batch_of(3);
  batch->identity = kFirst;
  batch->base_sequence = 5;
  batch->seal(proto::Codec::zstd, proto::kDefaultLevel);
  batch->identity = kSecond;
  batch->base_sequence = 0;
  batch->seal(proto::Codec::zstd, proto::kDefaultLevel);
  const Result<proto::BatchView> view = proto::BatchView::parse(batch->bytes);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->crc_ok());
  EXPECT_EQ(view->producer_id().value, 8);
  EXPECT_EQ(view->base_sequence(), 0);
}

}  // namespace
}  // namespace tidelog::core
