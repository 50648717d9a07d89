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

TEST(LogStart, SegmentsBelowItGoOnceTheManifestSaysSo) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  ASSERT_TRUE(fixture.log().advance_log_start({5}));

  const auto removed_before = fixture.log().remove_segments_below_start();
  fixture.log().recovery_state();
  fixture.log().manifest_written();
  const auto removed_after = fixture.log().remove_segments_below_start();

  // No manifest at all keeps nothing back: opening then takes the oldest file for the start.
  EXPECT_EQ(*removed_before, 2U);
  EXPECT_EQ(*removed_after, 0U);
  EXPECT_EQ(segments(fixture), 3U);
  EXPECT_EQ(fixture.log().read({.from = {4}, .limit = {10}, .max_bytes = 1}).error(), Errc::out_of_range);
}

TEST(LogStart, IsDurableOnlyWhenAManifestIsWritten) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  fixture.log().recovery_state();
  fixture.log().manifest_written();
  ASSERT_TRUE(fixture.log().advance_log_start({5}));

  const Offset before = fixture.log().durable_log_start();
  fixture.log().recovery_state();
  const Offset while_written = fixture.log().durable_log_start();
  const auto removed_while_written = fixture.log().remove_segments_below_start();
  fixture.log().manifest_written();

  EXPECT_EQ(before, Offset{0});
  EXPECT_EQ(while_written, Offset{0});
  EXPECT_EQ(*removed_while_written, 0U);
  EXPECT_EQ(fixture.log().durable_log_start(), Offset{5});
  EXPECT_EQ(*fixture.log().remove_segments_below_start(), 2U);
}

TEST(LogStart, OfALogThatWentOfflineIsWhatTheManifestSaidLast) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  ASSERT_TRUE(fixture.log().advance_log_start({5}));
  const storage::RecoveryPoint written = fixture.log().recovery_state();
  fixture.log().manifest_written();
  ASSERT_TRUE(fixture.log().advance_log_start({7}));
  fixture.log().recovery_state();  // For a manifest that cannot be written.

  fixture.log().take_offline("the test says so");
  fixture.log().manifest_written();  // Of a later one, which says of this log what the last one did.

  EXPECT_EQ(fixture.log().in_manifest(), written);
  EXPECT_EQ(fixture.log().durable_log_start(), Offset{5});
}

TEST(LogStart, AtTheEndLeavesTheEndKnown) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 10);
  ASSERT_TRUE(fixture.log().advance_log_start({10}));
  const storage::RecoveryPoint said = fixture.log().recovery_state();
  fixture.log().manifest_written();
  ASSERT_TRUE(fixture.log().remove_segments_below_start());

  fixture.disk().crash();
  fixture.reopen(said);

  EXPECT_EQ(fixture.log().log_start_offset(), Offset{10});
  EXPECT_EQ(fixture.log().end_offset(), Offset{10});
  EXPECT_EQ(fixture.append(), Offset{11});
}

TEST(LogRetention, TheDiskKnowsTheSizeOfALogThatIsNotLoaded) {
  LogFixture fixture(two_batches_each());
  fill(fixture, 5);
  const std::uint64_t size = *fixture.log().size_bytes();
  fixture.restart();

  const auto on_disk = storage::Log::size_on_disk(fixture.place());

  EXPECT_EQ(*on_disk, size);
  EXPECT_EQ(*on_disk, 5 * make_batch({0}).size());
  EXPECT_EQ(fixture.disk().open_files(), 0);
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
