// What rotted since it was written is found by reading it, whatever the size of the steps.
#include "storage/inspect/segment_scrub.h"

#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::DamagedRange;
using storage::ScrubPiece;
using storage::SegmentScrub;

/// A log of batches of one record each and all of one size, synced.
struct Scrubbed {
  LogFixture fixture;
  std::size_t one = make_batch({0}).size();

  explicit Scrubbed(int batches, const storage::LogConfig& config = {}) : fixture(config) {
    for (int i = 0; i < batches; ++i) fixture.append();
    EXPECT_TRUE(fixture.sync());
  }

  void flip(const std::string& path, std::size_t at) {
    BatchBytes damaged = fixture.disk().contents(path);
    damaged.at(at) ^= std::byte{1};
    fixture.disk().set_contents(path, damaged);
  }

  /// One scrub of the whole log, in steps of `step_bytes`; what was new of the damage.
  std::vector<DamagedRange> scrub(std::uint64_t step_bytes) {
    std::vector<DamagedRange> added;
    Offset from{0};
    bytes = 0;
    while (true) {
      Result<std::optional<ScrubPiece>> piece = fixture.log().piece_to_scrub(from);
      EXPECT_TRUE(piece.has_value());
      if (!piece || !*piece) return added;
      from = (*piece)->end;
      SegmentScrub scrub(std::move(**piece));
      while (true) {
        const Result<bool> done = scrub.step(step_bytes);
        EXPECT_TRUE(done.has_value());
        if (!done || *done) break;
      }
      bytes += scrub.read_bytes();
      const std::vector<DamagedRange> found = fixture.log().note_damage(scrub.piece(), scrub.damaged());
      added.insert(added.end(), found.begin(), found.end());
    }
  }

  std::uint64_t bytes = 0;
};

const std::string kFirstFile = LogFixture::path("00000000000000000000.log");

TEST(SegmentScrub, AWholeLogIsReadWholeAndNothingIsFound) {
  for (const std::uint64_t step : {std::uint64_t{1}, std::uint64_t{100}, std::uint64_t{1} << 20}) {
    Scrubbed log(30, small_segments());
    EXPECT_TRUE(log.scrub(step).empty()) << step;
    EXPECT_EQ(log.bytes, 30 * log.one) << step;
  }
}

TEST(SegmentScrub, WhatIsNotSyncedIsNotLookedAt) {
  Scrubbed log(3);
  log.fixture.append();
  log.flip(kFirstFile, 3 * log.one + 70);
  EXPECT_TRUE(log.scrub(1U << 20).empty());
  EXPECT_EQ(log.bytes, 3 * log.one);
}

TEST(SegmentScrub, AFlippedBitIsFoundToldOnceAndRefused) {
  for (const std::uint64_t step : {std::uint64_t{1}, std::uint64_t{1} << 20}) {
    Scrubbed log(30, small_segments());
    log.flip(kFirstFile, 2 * log.one + 70);
    const std::vector<DamagedRange> expected{
        {.from = {2}, .to = {3}, .segment_base = {0}, .position = log.one * 2, .end_position = log.one * 3}};

    EXPECT_EQ(log.scrub(step), expected);
    EXPECT_TRUE(log.scrub(step).empty()) << "found a second time";

    const LogReading now = read_as_client(log.fixture.log());
    EXPECT_EQ(now.refused, std::set<Offset>{Offset{2}});
    EXPECT_TRUE(now.disbelieved.empty());
    EXPECT_EQ(now.batches.size(), 29U);
  }
}

TEST(SegmentScrub, WhatIsFoundOfALogThatWasClosedMeanwhileIsKept) {
  Scrubbed log(30, small_segments());
  log.flip(kFirstFile, 2 * log.one + 70);
  Result<std::optional<ScrubPiece>> piece = log.fixture.log().piece_to_scrub({0});
  ASSERT_TRUE(piece && *piece);
  SegmentScrub scrub(std::move(**piece));
  ASSERT_TRUE(scrub.step(1U << 20));
  ASSERT_TRUE(log.fixture.log().release());

  EXPECT_EQ(log.fixture.log().note_damage(scrub.piece(), scrub.damaged()).size(), 1U);

  EXPECT_EQ(read_as_client(log.fixture.log()).refused, std::set<Offset>{Offset{2}});
}

TEST(SegmentScrub, WhatRotsBesideKnownDamageIsFound) {
  for (const int second : {0, 1, 3, 4}) {
    Scrubbed log(5);
    log.flip(kFirstFile, 2 * log.one + 70);
    ASSERT_EQ(log.scrub(64).size(), 1U);
    log.flip(kFirstFile, static_cast<std::size_t>(second) * log.one + 70);

    ASSERT_FALSE(log.scrub(64).empty()) << second;

    EXPECT_EQ(read_as_client(log.fixture.log()).refused, (std::set<Offset>{Offset{second}, Offset{2}})) << second;
  }
}

TEST(SegmentScrub, AWrongBaseOffsetIsFoundThoughNoChecksumCoversIt) {
  Scrubbed log(5);
  log.flip(kFirstFile, 2 * log.one + 7);
  EXPECT_EQ(log.scrub(1U << 20).size(), 1U);
  EXPECT_EQ(read_as_client(log.fixture.log()).refused, std::set<Offset>{Offset{2}});
}

TEST(SegmentScrub, BatchesThatAreGoneFromTheEndOfASegmentAreFound) {
  Scrubbed log(30, small_segments());
  BatchBytes bytes = log.fixture.disk().contents(kFirstFile);
  const auto batches = static_cast<std::int64_t>(bytes.size() / log.one);
  bytes.resize(bytes.size() - log.one);
  log.fixture.disk().set_contents(kFirstFile, bytes);

  const std::vector<DamagedRange> found = log.scrub(64);

  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().from, Offset{batches - 1});
  EXPECT_EQ(found.front().to, Offset{batches});
}

TEST(SegmentScrub, AFindingOfAFileThatWasReplacedMeanwhileIsDropped) {
  Scrubbed log(5);
  Result<std::optional<ScrubPiece>> piece = log.fixture.log().piece_to_scrub({0});
  ASSERT_TRUE(piece && *piece);
  ScrubPiece old = **piece;
  old.swaps_made += 1;
  const std::vector<DamagedRange> found{{.from = {2}, .to = {3}, .segment_base = {0}, .position = 0, .end_position = 1}};
  EXPECT_TRUE(log.fixture.log().note_damage(old, found).empty());
  EXPECT_TRUE(log.fixture.log().damage().empty());
}

}  // namespace
}  // namespace tidelog::testing
