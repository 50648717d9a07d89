#include "storage/log/time_search.h"
#include "tests/support/clean_log.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tidelog::testing {
namespace {

using storage::TimestampedOffset;

TEST(LogTime, FindsTheExactRecordInsideABatch) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .epoch = {1}, .timestamps = {100, 300, 200}});
  fixture.append(BatchSpec{.records = 2, .epoch = {4}, .timestamps = {400, 500}});

  const auto found = fixture.log().offset_for_timestamp({150}, {5});
  const auto later = fixture.log().offset_for_timestamp({301}, {5});
  const auto never = fixture.log().offset_for_timestamp({501}, {5});

  EXPECT_EQ((*found)->offset, Offset{1});
  EXPECT_EQ((*found)->timestamp, TimestampMs{300});
  EXPECT_EQ((*found)->leader_epoch, LeaderEpoch{1});
  EXPECT_EQ((*later)->offset, Offset{3});
  EXPECT_EQ((*later)->leader_epoch, LeaderEpoch{4});
  EXPECT_FALSE(never->has_value());
}

TEST(LogTime, LooksNeitherBelowTheLogStartNorAboveTheLimit) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .timestamps = {100, 300, 200}});
  fixture.append(BatchSpec{.records = 1, .timestamps = {900}});
  ASSERT_TRUE(fixture.log().advance_log_start({2}));

  EXPECT_EQ((*fixture.log().offset_for_timestamp({100}, {4}))->offset, Offset{2});
  EXPECT_FALSE(fixture.log().offset_for_timestamp({250}, {3})->has_value());
  EXPECT_EQ((*fixture.log().max_timestamp({3}))->offset, Offset{2});
  EXPECT_EQ((*fixture.log().max_timestamp({4}))->offset, Offset{3});
}

/// The first record from there on, whatever its time.
std::optional<TimestampedOffset> first_from(LogFixture& fixture, std::int64_t from, std::int64_t limit) {
  storage::TimeSearch search(storage::TimeSearch::first_from({from}, {limit}, 1'000'000));
  while (!search.is_done()) {
    if (!(search.has_stretch() ? search.read_piece() : fixture.log().advance(search))) return TimestampedOffset{};
  }
  return search.found();
}

TEST(LogTime, TellsTheTimeOfTheRecordAtAnOffset) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .timestamps = {300, 100, 200}});
  fixture.append(BatchSpec{.records = 2, .timestamps = {50, 900}, .codec = proto::Codec::gzip});

  const std::vector<std::int64_t> expected{300, 100, 200, 50, 900};
  for (std::int64_t offset = 0; offset < 5; ++offset) {
    const auto found = first_from(fixture, offset, 5);
    ASSERT_TRUE(found) << offset;
    EXPECT_EQ(found->offset, Offset{offset});
    EXPECT_EQ(found->timestamp.value, expected[static_cast<std::size_t>(offset)]);
  }
  EXPECT_FALSE(first_from(fixture, 5, 5));
  EXPECT_FALSE(first_from(fixture, 4, 4));
}

TEST(LogTime, TellsItInEverySegment) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 60; ++i) fixture.append(BatchSpec{.records = 2, .timestamps = {1000 - i, 2000 + i}});

  for (std::int64_t offset = 0; offset < 120; ++offset) {
    const auto found = first_from(fixture, offset, 120);
    ASSERT_TRUE(found) << offset;
    EXPECT_EQ(found->timestamp.value, offset % 2 == 0 ? 1000 - offset / 2 : 2000 + offset / 2);
  }
}

TEST(LogTime, TellsThatOfTheFirstRecordLeftIfThoseBeforeAreGone) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .timestamps = {100, 300, 200}});
  ASSERT_TRUE(fixture.log().advance_log_start({2}));

  EXPECT_EQ(first_from(fixture, 0, 3)->timestamp, TimestampMs{200});
}

TEST(LogTime, GivesTheFirstOfSeveralGreatestTimestamps) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append(BatchSpec{.records = 2, .timestamps = {i == 7 ? 900 : 100, i == 7 || i == 20 ? 900 : 100}});

  const auto found = fixture.log().max_timestamp(fixture.log().end_offset());

  EXPECT_EQ((*found)->offset, Offset{14});
  EXPECT_EQ((*found)->timestamp, TimestampMs{900});
}

TEST(LogTime, AnEmptyLogHasNoTimes) {
  LogFixture fixture;

  EXPECT_FALSE(fixture.log().max_timestamp({0})->has_value());
  EXPECT_FALSE(fixture.log().offset_for_timestamp({0}, {0})->has_value());
}

auto at_least(std::int64_t target) {
  return [target](std::int64_t time) { return time >= target; };
}

TEST(LogTime, AgreesWithALinearSearch) {
  storage::LogConfig config = small_segments(1500);
  config.segment_ms = 1'000'000;
  LogFixture fixture(config);
  std::mt19937 random(20240611);
  std::vector<std::int64_t> times;
  for (int i = 0; i < 120; ++i) {
    BatchSpec spec{.records = 1 + static_cast<int>(random() % 4)};
    for (int r = 0; r < spec.records; ++r) spec.timestamps.push_back(1000 + i * 10 + static_cast<std::int64_t>(random() % 200));
    times.insert(times.end(), spec.timestamps.begin(), spec.timestamps.end());
    fixture.append(spec);
  }
  const Offset end = fixture.log().end_offset();

  for (const bool restarted : {false, true}) {
    if (restarted) fixture.restart();
    for (std::int64_t target = 990; target < 2420; target += 7) {
      const auto expected = std::ranges::find_if(times, at_least(target));
      const auto found = fixture.log().offset_for_timestamp({target}, end);
      ASSERT_EQ(found->has_value(), expected != times.end()) << target;
      if (found->has_value()) ASSERT_EQ((*found)->offset, Offset{expected - times.begin()}) << target;
    }
    EXPECT_EQ((*fixture.log().max_timestamp(end))->offset, Offset{std::ranges::max_element(times) - times.begin()});
  }
}

TEST(LogTime, SurvivesATimeIndexThatLies) {
  LogFixture fixture(small_segments(100'000));
  for (int i = 0; i < 100; ++i) fixture.append(BatchSpec{.timestamps = {1000 + i}});
  ASSERT_TRUE(fixture.sync());
  fixture.log().close();
  const storage::RecoveryPoint point = fixture.log().recovery_state();
  const std::string path = LogFixture::path("00000000000000000000.timeindex");
  BatchBytes lie = fixture.disk().contents(path);
  lie[12 * 5 + 7] = std::byte(static_cast<std::uint8_t>(lie[12 * 5 + 7]) - 1);  // An entry a little too early.

  fixture.disk().set_contents(path, lie);
  fixture.reopen(point);

  for (int i = 0; i < 100; ++i) ASSERT_EQ((*fixture.log().offset_for_timestamp({1000 + i}, {100}))->offset, Offset{i});
}

// What follows is about batches that are not looked into when they are produced (R18), so that their headers may say anything.

/// A compressed batch of one record that says to be later than its record is.
BatchSpec liar(std::int64_t claimed, std::int64_t time) {
  return {.timestamps = {time}, .codec = proto::Codec::gzip, .claimed_time = TimestampMs{claimed}};
}

/// Takes a search to its end; how many pieces were read, -1 if it failed.
int read_all_pieces(storage::Log& log, storage::TimeSearch& search) {
  int pieces = 0;
  while (!search.is_done()) {
    const bool reads = search.has_stretch();
    if (!(reads ? search.read_piece() : log.advance(search))) return -1;
    pieces += reads ? 1 : 0;
  }
  return pieces;
}

TEST(LogTime, GoesOnBehindABatchThatClaimsALaterTimeThanItHas) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append(liar(900, 100));
  fixture.append(BatchSpec{.timestamps = {800}});

  const auto found = fixture.log().offset_for_timestamp({700}, {6});

  EXPECT_EQ((*found)->offset, Offset{5});
  EXPECT_EQ((*found)->timestamp, TimestampMs{800});
}

// A loop, or another search, has its turn between any two batches that are opened.
TEST(LogTime, OpensOneBatchAPieceAtMost) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append(liar(900, 100));
  fixture.append(BatchSpec{.timestamps = {800}});
  storage::TimeSearch first({.at_least = TimestampMs{700}, .limit = {6}});
  storage::TimeSearch greatest({.at_least = std::nullopt, .limit = {6}});

  const int pieces_for_first = read_all_pieces(fixture.log(), first);
  const int pieces_for_greatest = read_all_pieces(fixture.log(), greatest);

  EXPECT_EQ(pieces_for_first, 6);
  EXPECT_EQ(pieces_for_greatest, 6);
}

// However sparse an index is, the way from its entry to the record is not walked where others wait.
TEST(LogTime, WalksToAnOffsetInPieces) {
  storage::LogConfig config;
  config.index_interval_bytes = 1U << 30U;
  LogFixture fixture(config);
  for (int i = 0; i < 3000; ++i) fixture.append(BatchSpec{.timestamps = {i}});
  storage::TimeSearch last(storage::TimeSearch::first_from({2999}, {3000}, 1'000'000));

  const int pieces = read_all_pieces(fixture.log(), last);

  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(last.found()->timestamp, TimestampMs{2999});
}

TEST(LogTime, FindsAnOffsetThoughTheIndexLies) {
  LogFixture fixture(small_segments(1U << 20U));
  for (int i = 0; i < 100; ++i) fixture.append(BatchSpec{.timestamps = {i}});
  ASSERT_TRUE(fixture.sync());
  fixture.log().close();
  const storage::RecoveryPoint point = fixture.log().recovery_state();
  const std::string path = LogFixture::path("00000000000000000000.index");
  auto lie = fixture.disk().contents(path);
  ASSERT_GT(lie.size(), 8U);
  lie[7] = static_cast<std::byte>(std::to_integer<unsigned>(lie[7]) ^ 1U);
  fixture.disk().set_contents(path, lie);
  fixture.reopen(point);

  for (std::int64_t offset = 0; offset < 100; ++offset) EXPECT_EQ(first_from(fixture, offset, 100)->timestamp.value, offset);
}

TEST(LogTime, BelievesTheHeaderOnceTooManyWereOpenedInVain) {
  LogFixture fixture;
  for (int i = 0; i < 100; ++i) fixture.append(liar(900, 100));
  fixture.append(BatchSpec{.timestamps = {800}});
  storage::TimeSearch search({.at_least = TimestampMs{700}, .limit = {101}});

  const int pieces = read_all_pieces(fixture.log(), search);
  const auto greatest = fixture.log().max_timestamp({101});

  EXPECT_EQ(pieces, storage::TimeSearch::kMostOpenedInVain + 1);
  EXPECT_EQ(search.found()->offset, Offset{storage::TimeSearch::kMostOpenedInVain}) << "no record that was asked for may lie before it";
  EXPECT_EQ(search.found()->timestamp, TimestampMs{900});
  EXPECT_EQ((*greatest)->offset, Offset{storage::TimeSearch::kMostOpenedInVain});
}

TEST(LogTime, BelievesTheHeaderOfABatchThatOpensToMoreThanItMay) {
  LogFixture fixture;
  fixture.append(BatchSpec{.timestamps = {100}});
  fixture.append(BatchSpec{.records = 2, .value_bytes = 100'000, .timestamps = {200, 300}, .codec = proto::Codec::gzip});
  storage::TimeSearch narrow({.at_least = TimestampMs{250}, .limit = {3}, .max_opened_bytes = 50'000});
  storage::TimeSearch wide({.at_least = TimestampMs{250}, .limit = {3}, .max_opened_bytes = 500'000});

  ASSERT_EQ(read_all_pieces(fixture.log(), narrow), 1);
  ASSERT_EQ(read_all_pieces(fixture.log(), wide), 1);

  EXPECT_EQ(narrow.found()->offset, Offset{1});
  EXPECT_EQ(narrow.found()->timestamp, TimestampMs{300});
  EXPECT_EQ(wide.found()->offset, Offset{2});
}

TEST(LogTime, TheGreatestTimestampIsOneThatARecordHas) {
  LogFixture fixture;
  fixture.append(liar(900, 100));
  fixture.append(BatchSpec{.timestamps = {500}});
  fixture.append(liar(800, 200));

  const auto found = fixture.log().max_timestamp({3});

  EXPECT_EQ((*found)->offset, Offset{1});
  EXPECT_EQ((*found)->timestamp, TimestampMs{500});
}

TEST(LogTime, OpensOneBatchOfManySegmentsForTheGreatestTimestamp) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 300; ++i) fixture.append(BatchSpec{.timestamps = {1000 + i}});
  storage::TimeSearch search({.at_least = std::nullopt, .limit = {300}});

  const int pieces = read_all_pieces(fixture.log(), search);

  EXPECT_EQ(pieces, 1);
  EXPECT_EQ(search.found()->offset, Offset{299});
}

// Its file is pinned, and the segments that were listed are looked for again.
TEST(LogTime, ASearchOutlivesTheSegmentsThatItStandsIn) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 100; ++i) fixture.append(BatchSpec{.timestamps = {i < 5 ? 3000 - i : 1000 + i}});
  ASSERT_TRUE(fixture.sync());
  storage::TimeSearch search({.at_least = std::nullopt, .limit = {100}});
  while (!search.has_stretch()) ASSERT_TRUE(fixture.log().advance(search));
  ASSERT_TRUE(fixture.log().advance_log_start({90}));
  static_cast<void>(fixture.log().recovery_state());
  fixture.log().manifest_written();
  ASSERT_TRUE(fixture.log().remove_segments_below_start());

  const int pieces = read_all_pieces(fixture.log(), search);

  EXPECT_EQ(pieces, 1) << "what was read before the records went is an answer";
  EXPECT_EQ(search.found()->offset, Offset{0});
}

/// The tail claims the most and is looked through first; meanwhile compaction makes one segment of all others, of which the first claims
/// the least.
TEST(LogTime, ARecordWhoseSegmentBecameAPartOfAnotherIsFoundThere) {
  storage::LogConfig config = small_segments();
  config.compaction = {.is_on = true, .min_dirty_ratio = 0};
  LogFixture fixture(config);
  for (int i = 0; i < 40; ++i) {
    proto::BatchBuilder builder;
    const std::string key = "key " + std::to_string(i % 3);
    const Bytes bytes = std::as_bytes(std::span(key));
    builder.append({.timestamp = {i == 39 ? 900 : 100}, .key = bytes, .value = bytes, .headers = {}});
    const Bytes batch = builder.build({.base_offset = fixture.log().end_offset(), .leader_epoch = {0}});
    ASSERT_TRUE(fixture.log().append(std::span(&batch, 1)));
  }
  for (int i = 0; i < 20; ++i) fixture.append(BatchSpec{.timestamps = {100}});
  fixture.append(liar(1000, 500));
  ASSERT_TRUE(fixture.sync());
  static_cast<void>(fixture.log().recovery_state());
  fixture.log().manifest_written();
  config.segment_bytes = 1U << 20;
  fixture.log().set_config(config);
  const Offset end = fixture.log().end_offset();
  storage::TimeSearch search({.at_least = std::nullopt, .limit = end});
  ASSERT_TRUE(fixture.log().advance(search));
  ASSERT_TRUE(search.has_stretch());

  const auto pass = clean_once(fixture.log(), fixture.faults(), {.now = {1000}, .limit = end});

  ASSERT_TRUE(pass && pass->has_value());
  ASSERT_GT((*pass)->counts.segments_before, (*pass)->counts.segments_after);
  ASSERT_GE(read_all_pieces(fixture.log(), search), 1);
  ASSERT_TRUE(search.found().has_value());
  EXPECT_EQ(search.found()->offset, Offset{39});
  EXPECT_EQ(search.found()->timestamp, TimestampMs{900});
}

}  // namespace
}  // namespace tidelog::testing
