#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/plan.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::CleanedUpTo;
using storage::CleaningReason;
using storage::CompactionConfig;
using storage::LogFacts;
using storage::SegmentFacts;

constexpr TimestampMs kNow{1'000'000};

CompactionConfig on() {
  CompactionConfig config;
  config.is_on = true;
  return config;
}

/// Segments of ten offsets and 100 bytes each, the last batch of segment i at time 1000 i.
LogFacts ten_segments(std::int64_t cleaned = 0) {
  LogFacts log{.segments = {}, .cleaned = {.offset = {cleaned}}};
  for (std::int64_t i = 0; i < 10; ++i) {
    log.segments.push_back({.base = {10 * i}, .end = {10 * i + 10}, .size_bytes = 100, .first = {1000 * i}, .newest = {1000 * i + 500}});
  }
  return log;
}

TEST(CompactionPlan, CleansWhatIsDirtyAboveTheRatio) {
  const auto plan = plan_cleaning(ten_segments(40), on(), kNow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->reason, CleaningReason::dirty_ratio);
  EXPECT_DOUBLE_EQ(plan->dirty_ratio, 0.6);
  EXPECT_EQ(plan->dirty_from, Offset{40});
  EXPECT_EQ(plan->dirty_end, Offset{100});
  EXPECT_EQ(plan->segments.size(), 10U) << "older records of the same keys lie in the clean ones";
}

TEST(CompactionPlan, WaitsBelowTheRatio) {
  EXPECT_FALSE(plan_cleaning(ten_segments(50), on(), kNow)) << "the ratio has to be passed, as Kafka has it";
  EXPECT_FALSE(plan_cleaning(ten_segments(100), on(), kNow));
  EXPECT_FALSE(plan_cleaning(LogFacts{}, on(), kNow));
  EXPECT_FALSE(plan_cleaning(ten_segments(0), CompactionConfig{}, kNow)) << "the policy does not say compact";
}

TEST(CompactionPlan, LeavesYoungRecordsAndAllBehindThem) {
  CompactionConfig config = on();
  config.min_lag_ms = 10'000;
  LogFacts log = ten_segments();
  log.segments[7].newest = {2000};  // Older than what stands before it.
  const auto plan = plan_cleaning(log, config, {16'499});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->dirty_end, Offset{60});
  EXPECT_EQ(plan->segments.size(), 6U);
}

TEST(CompactionPlan, LooksAtNoTimeOfWhatWasCleaned) {
  CompactionConfig config = on();
  config.min_lag_ms = 10'000;
  LogFacts log = ten_segments(30);
  for (std::size_t i = 0; i < 3; ++i) log.segments[i].newest = log.segments[i].first = {-1};
  const auto plan = plan_cleaning(log, config, {100'000});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->dirty_from, Offset{30});
  EXPECT_EQ(plan->dirty_end, Offset{100});
}

TEST(CompactionPlan, DoesNotLetARecordWaitForLongerThanTheMaxLag) {
  CompactionConfig config = on();
  config.max_lag_ms = 5000;
  EXPECT_FALSE(plan_cleaning(ten_segments(90), config, {14'000})) << "9000 is 5000 old";
  const auto plan = plan_cleaning(ten_segments(90), config, {14'001});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->reason, CleaningReason::max_lag);
}

TEST(CompactionPlan, CleansWhenATombstoneIsDue) {
  LogFacts log = ten_segments(100);
  log.cleaned.earliest_horizon = kNow;
  EXPECT_FALSE(plan_cleaning(log, on(), kNow - 1));
  const auto plan = plan_cleaning(log, on(), kNow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->reason, CleaningReason::horizon);
  EXPECT_EQ(plan->dirty_from, Offset{100});
  EXPECT_EQ(plan->dirty_end, Offset{100});
}

TEST(CompactionPlan, BeginsAtTheLogStart) {
  LogFacts log = ten_segments(0);
  log.log_start = {5};
  EXPECT_EQ(plan_cleaning(log, on(), kNow)->dirty_from, Offset{5});
  log.segments.erase(log.segments.begin(), log.segments.begin() + 3);
  log.log_start = {30};
  EXPECT_EQ(plan_cleaning(log, on(), kNow)->dirty_from, Offset{30});
}

TEST(CompactionPlan, BelievesNoCheckpointAboveTheLog) {
  LogFacts log = ten_segments(5000);
  log.cleaned.earliest_horizon = {0};
  const auto plan = plan_cleaning(log, on(), kNow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->dirty_from, Offset{100});
}

TEST(CompactionJoins, FillASegmentWithWhatSurelyFits) {
  const SegmentFacts next{.base = {10}, .end = {20}, .size_bytes = 100};
  EXPECT_TRUE(storage::joins_segment(next, {0}, 250, 350));
  EXPECT_FALSE(storage::joins_segment(next, {0}, 251, 350));
}

TEST(CompactionJoins, StayWithinTwoToThe31Offsets) {
  constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;
  EXPECT_TRUE(storage::joins_segment({.base = {100}, .end = {kMost + 7}, .size_bytes = 1}, {7}, 0, 350));
  EXPECT_FALSE(storage::joins_segment({.base = {100}, .end = {kMost + 8}, .size_bytes = 1}, {7}, 0, 350));
}

TEST(CleanerCheckpoint, ReadsWhatItWrote) {
  const CleanedUpTo cleaned{.offset = {12'345}, .earliest_horizon = {-1}};
  EXPECT_EQ(storage::encode_cleaner_checkpoint(cleaned), "0\n12345 -1\n");
  EXPECT_EQ(storage::decode_cleaner_checkpoint("0\n12345 -1\n"), cleaned);
  EXPECT_EQ(storage::decode_cleaner_checkpoint("0\n12345 99\n"), (CleanedUpTo{.offset = {12'345}, .earliest_horizon = {99}}));
}

TEST(CleanerCheckpoint, TakesAnythingElseForNothingCleaned) {
  const std::string whole = "0\n12345 99\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(storage::decode_cleaner_checkpoint(whole.substr(0, size)), CleanedUpTo{}) << size;
  }
  for (const std::string_view text :
       {"1\n12345 99\n", "0\n-5 99\n", "0\n5 -2\n", "0\n5 9\n\n", "0\n99999999999999999999 1\n", "0\n5\n9\n"}) {
    EXPECT_EQ(storage::decode_cleaner_checkpoint(text), CleanedUpTo{}) << text;
  }
}

}  // namespace
}  // namespace tidelog::testing
