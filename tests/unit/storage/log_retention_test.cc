#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::testing {
namespace {

/// Segments of two batches; batch i has timestamp 1000 + 100 i.
storage::LogConfig two_batches_each() {
  storage::LogConfig config;
  config.segment_bytes = static_cast<std::uint32_t>(2 * make_batch({0}).size());
  config.retention_ms = -1;
  return config;
}

void fill(LogFixture& fixture, int count) {
  for (int i = 0; i < count; ++i) ASSERT_NE(fixture.append(BatchSpec{.timestamps = {1000 + 100 * i}}), Offset{-1});
  ASSERT_TRUE(fixture.sync());
}

std::size_t segments(LogFixture& fixture) {
  const auto names = fixture.disk().names(kLogDirectory);
  return static_cast<std::size_t>(std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".log"); }));
}

TEST(LogRetention, RemovesSegmentsPastRetentionMs) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  fixture.config().retention_ms = 500;
  fixture.log().set_config(fixture.config());

  const auto removed = fixture.log().delete_old_segments({1901}, {10});  // 1300 is 601 old, 1500 is 401

  EXPECT_EQ(*removed, 2U);
  EXPECT_EQ(fixture.log().log_start_offset(), Offset{4});
  EXPECT_EQ(headers_of(fixture.read_all({4})).size(), 6U);
}

TEST(LogRetention, RemovesSegmentsAboveRetentionBytes) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  fixture.config().retention_bytes = 2 * fixture.config().segment_bytes;
  fixture.log().set_config(fixture.config());

  const auto removed = fixture.log().delete_old_segments({0}, {10});

  EXPECT_EQ(*removed, 3U);
  EXPECT_EQ(*fixture.log().size_bytes(), 2 * fixture.config().segment_bytes);
}

TEST(LogRetention, KeepsWhatIsNotCommitted) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  fixture.config().retention_ms = 0;
  fixture.log().set_config(fixture.config());

  ASSERT_TRUE(fixture.log().delete_old_segments({99'999}, {5}));

  EXPECT_EQ(fixture.log().log_start_offset(), Offset{4});
}

TEST(LogRetention, KeepsTheEndOffsetWhenEverythingGoes) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  fixture.config().retention_ms = 0;
  fixture.log().set_config(fixture.config());

  ASSERT_TRUE(fixture.log().delete_old_segments({99'999}, {10}));
  ASSERT_TRUE(fixture.log().is_dirty());
  ASSERT_TRUE(fixture.sync());
  ASSERT_TRUE(fixture.log().delete_old_segments({99'999}, {10}));

  EXPECT_EQ(segments(fixture), 1U);
  fixture.disk().crash();
  fixture.reopen(std::nullopt);
  EXPECT_EQ(fixture.log().log_start_offset(), Offset{10});
  EXPECT_EQ(fixture.log().end_offset(), Offset{10});
  EXPECT_EQ(fixture.append(), Offset{11});
}

TEST(LogRetention, LeavesSegmentsThatTheManifestStillNeeds) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 4);
  fixture.log().recovery_state();
  fixture.log().manifest_written();
  fill(fixture, 6);
  ASSERT_TRUE(fixture.log().advance_log_start({9}));

  const auto removed_before = fixture.log().delete_old_segments({0}, {10});
  fixture.log().recovery_state();
  const auto removed_while_written = fixture.log().delete_old_segments({0}, {10});
  fixture.log().manifest_written();
  const auto removed_after = fixture.log().delete_old_segments({0}, {10});

  EXPECT_EQ(*removed_before, 0U);
  EXPECT_EQ(*removed_while_written, 0U);
  EXPECT_EQ(*removed_after, 4U);
}

TEST(LogRetention, TheLogStartSurvivesARestart) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  ASSERT_TRUE(fixture.log().advance_log_start({5}));

  fixture.restart();

  EXPECT_EQ(fixture.log().log_start_offset(), Offset{5});
  EXPECT_EQ(fixture.log().end_offset_for_epoch({0}), (storage::EpochEnd{{0}, {10}}));
  EXPECT_EQ(fixture.log().advance_log_start({11}).error(), Errc::out_of_range);
}

}  // namespace
}  // namespace tidelog::testing
