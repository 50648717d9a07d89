#include "storage/recovery.h"

#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::testing {
namespace {

using storage::Log;
using storage::RecoveryPoint;

const std::string kFirstFile = LogFixture::path("00000000000000000000.log");

BatchBytes first(const BatchBytes& bytes, std::size_t count) { return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)}; }

BatchBytes concat(const std::vector<BatchBytes>& parts) {
  BatchBytes all;
  for (const BatchBytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(Recovery, CutsATornTailWhereverItTears) {
  const std::vector<BatchBytes> batches{make_batch({0}), make_batch({1}, {.records = 3}), make_batch({4}, {.value_bytes = 70})};
  const BatchBytes whole = concat(batches);
  const std::size_t durable = batches[0].size();
  const RecoveryPoint point{.log_start = {0}, .offset = {1}, .segment_base = {0}, .position = durable};
  for (std::size_t size = durable; size <= whole.size(); ++size) {
    LogFixture fixture;
    fixture.disk().set_contents(kFirstFile, first(whole, size));

    Log& log = fixture.reopen(point);

    const bool has_second = size >= durable + batches[1].size();
    const bool has_third = size == whole.size();
    const std::size_t kept = has_third ? size : has_second ? durable + batches[1].size() : durable;
    ASSERT_FALSE(log.is_offline()) << log.offline_reason();
    ASSERT_EQ(log.end_offset(), has_third ? Offset{5} : has_second ? Offset{4} : Offset{1}) << size;
    ASSERT_EQ(fixture.disk().contents(kFirstFile), first(whole, kept)) << size;
    ASSERT_EQ(fixture.report().bytes_cut, size - kept);
    if (size != kept) {
      const BatchBytes tail(whole.begin() + static_cast<std::ptrdiff_t>(kept), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(fixture.disk().contents(kFirstFile + "." + std::to_string(kept) + "-0.cut"), tail);
    }
    ASSERT_NE(fixture.append(), Offset{-1});
  }
}

TEST(Recovery, SetsASegmentAsideThatOutlivedTheOneBeforeIt) {
  const BatchBytes batch = make_batch({0});
  const RecoveryPoint point{.log_start = {0}, .offset = {1}, .segment_base = {0}, .position = batch.size()};
  for (const std::size_t left : {std::size_t{0}, batch.size()}) {
    LogFixture fixture;
    fixture.disk().set_contents(kFirstFile, batch);
    const std::string later = LogFixture::path("00000000000000000007.log");
    fixture.disk().set_contents(later, first(make_batch({7}), left));

    Log& log = fixture.reopen(point);

    ASSERT_FALSE(log.is_offline()) << log.offline_reason();
    EXPECT_EQ(log.end_offset(), Offset{1});
    EXPECT_EQ(fixture.disk().contents(later + ".0-0.cut").size(), left);
    EXPECT_EQ(fixture.report().segments_set_aside, 1U);
    EXPECT_EQ(fixture.append(), Offset{2});
  }
}

TEST(Recovery, BeginsALogAnewWhoseFirstSegmentNeverBecameDurable) {
  LogFixture fixture;
  fixture.disk().set_contents(LogFixture::path("00000000000000000002.log"), {});

  Log& log = fixture.reopen(RecoveryPoint{});

  ASSERT_FALSE(log.is_offline()) << log.offline_reason();
  EXPECT_EQ(fixture.append(), Offset{1});
  EXPECT_EQ(headers_of(fixture.read_all({0})).size(), 1U);
}

TEST(Recovery, CutsAtAnyBitThatFlippedAboveTheRecoveryPoint) {
  const std::vector<BatchBytes> batches{make_batch({0}), make_batch({1}), make_batch({2})};
  const BatchBytes whole = concat(batches);
  const std::size_t durable = batches[0].size();
  const RecoveryPoint point{.log_start = {0}, .offset = {1}, .segment_base = {0}, .position = durable};
  for (std::size_t at = durable; at < durable + batches[1].size(); ++at) {
    // The leader epoch lies outside the CRC: raised, it is a batch of a later epoch as far as anyone can tell.
    const std::size_t field = at - durable;
    if (field >= 12 && field < 16) continue;
    LogFixture fixture;
    BatchBytes damaged = whole;
    damaged[at] ^= std::byte{0x10};
    fixture.disk().set_contents(kFirstFile, damaged);

    Log& log = fixture.reopen(point);

    ASSERT_EQ(log.end_offset(), Offset{1}) << at;
    ASSERT_EQ(fixture.disk().contents(kFirstFile), batches[0]);
  }
}

TEST(Recovery, RefusesFallingEpochsAndOffsetsThatSkip) {
  for (const BatchBytes& bad : {make_batch({1}, {.epoch = {3}}), make_batch({2}, {.epoch = {4}})}) {
    LogFixture fixture;
    fixture.disk().set_contents(kFirstFile, concat({make_batch({0}, {.epoch = {4}}), bad}));

    Log& log = fixture.reopen(RecoveryPoint{});

    EXPECT_EQ(log.end_offset(), Offset{1});
  }
}

TEST(Recovery, SetsLaterSegmentsAsideWhenOneBeforeThemIsTorn) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  fixture.drop();
  BatchBytes torn = fixture.disk().contents(kFirstFile);
  torn.pop_back();
  fixture.disk().set_contents(kFirstFile, torn);

  Log& log = fixture.reopen(RecoveryPoint{});

  const auto names = fixture.disk().names(kLogDirectory);
  EXPECT_EQ(std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".log"); }), 1);
  EXPECT_EQ(fixture.report().segments_set_aside, 2U);
  EXPECT_EQ(headers_of(fixture.read_all({0})).size(), static_cast<std::size_t>(log.end_offset().value));
  EXPECT_EQ(fixture.append(), log.end_offset());
}

TEST(Recovery, WithoutAManifestScansEverything) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  const BatchBytes stored = fixture.read_all({0});

  Log& log = fixture.reopen(std::nullopt);

  EXPECT_EQ(log.end_offset(), Offset{30});
  EXPECT_EQ(fixture.report().bytes_scanned, stored.size());
  EXPECT_EQ(fixture.read_all({0}), stored);
}

TEST(Recovery, MakesDurableWhatItAccepts) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  const BatchBytes stored = fixture.read_all({0});
  fixture.reopen(RecoveryPoint{});

  fixture.disk().crash();
  fixture.reopen(RecoveryPoint{});

  EXPECT_EQ(fixture.read_all({0}), stored);
}

TEST(Recovery, DoneTwiceGivesTheSame) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 15; ++i) fixture.append(BatchSpec{.producer = {3}, .producer_epoch = 0, .sequence = i});
  fixture.drop();
  BatchBytes torn = fixture.disk().contents(kFirstFile);
  torn.resize(torn.size() - 7);
  fixture.disk().set_contents(kFirstFile, torn);

  fixture.reopen(RecoveryPoint{});
  const BatchBytes once = fixture.read_all({0});
  fixture.reopen(RecoveryPoint{});
  const BatchBytes twice = fixture.read_all({0});

  EXPECT_EQ(once, twice);
  EXPECT_EQ(fixture.report().bytes_cut, 0U);
  EXPECT_EQ(fixture.log().producers().entries().size(), 5U);
}

TEST(Recovery, ADamagedRestOfASealedFileAboveTheRecoveryPointIsCutByAFullCheckToo) {
  LogFixture fixture;
  for (int i = 0; i < 3; ++i) fixture.append();
  ASSERT_TRUE(fixture.sync());
  const RecoveryPoint point = fixture.log().recovery_state();
  fixture.append();
  fixture.drop();
  BatchBytes torn = fixture.disk().contents(kFirstFile);
  torn.pop_back();
  fixture.disk().set_contents(kFirstFile, torn);

  Log& log = fixture.reopen(point, true);

  EXPECT_FALSE(log.is_offline());
  EXPECT_EQ(log.end_offset(), Offset{3});
}

TEST(Recovery, DoesNotReadWhatIsBelowTheRecoveryPoint) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append();
  ASSERT_TRUE(fixture.sync());
  const RecoveryPoint point = fixture.log().recovery_state();
  fixture.append();

  fixture.reopen(point);

  EXPECT_EQ(fixture.log().end_offset(), Offset{6});
  EXPECT_EQ(fixture.report().bytes_scanned, make_batch({5}).size());
}

TEST(Recovery, TakesBackSnapshotsOfBatchesThatAreGone) {
  LogFixture fixture;
  fixture.append(BatchSpec{.producer = {3}, .producer_epoch = 0, .sequence = 0});
  ASSERT_TRUE(fixture.sync());
  const RecoveryPoint point = fixture.log().recovery_state();
  fixture.append(BatchSpec{.producer = {3}, .producer_epoch = 0, .sequence = 1});
  ASSERT_TRUE(fixture.log().checkpoint());
  fixture.drop();
  fixture.disk().set_contents(kFirstFile, first(fixture.disk().contents(kFirstFile), point.position + 5));

  Log& log = fixture.reopen(point);

  const auto next = *storage::parse_batch_header(make_batch({1}, {.producer = {3}, .producer_epoch = 0, .sequence = 1}));
  EXPECT_EQ(log.end_offset(), Offset{1});
  EXPECT_EQ(log.producers().check_and_stage(next, {1}).verdict, storage::ProducerVerdict::fresh);
}

TEST(Recovery, NeverGivesOutOffsetsBelowTheLogStartAgain) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append();
  fixture.drop();
  const RecoveryPoint point{.log_start = {8}, .offset = {0}, .segment_base = {0}, .position = 0};

  Log& log = fixture.reopen(point);

  EXPECT_EQ(log.log_start_offset(), Offset{8});
  EXPECT_EQ(log.end_offset(), Offset{8});
  EXPECT_EQ(fixture.append(), Offset{9});
  ASSERT_TRUE(fixture.sync());
  fixture.reopen(fixture.log().recovery_state());
  EXPECT_EQ(fixture.log().end_offset(), Offset{9});
}

// Its first file was never synced, and power loss took the name.
TEST(Recovery, AFullCheckOfALogWithoutAnyFileBeginsAtItsStart) {
  LogFixture fixture;
  fixture.drop();

  Log& log = fixture.reopen(RecoveryPoint{.log_start = {8}}, true);

  EXPECT_FALSE(log.is_offline());
  EXPECT_EQ(log.end_offset(), Offset{8});
  EXPECT_EQ(fixture.append(), Offset{9});
}

TEST(Recovery, KeepsGoingWithoutTheCopyWhenTheDiskIsFull) {
  LogFixture fixture;
  fixture.append();
  fixture.drop();
  BatchBytes torn = fixture.disk().contents(kFirstFile);
  torn.resize(30);
  fixture.disk().set_contents(kFirstFile, torn);
  fixture.faults().fail_writes(Errc::no_space);

  Log& log = fixture.reopen(RecoveryPoint{});

  EXPECT_EQ(log.end_offset(), Offset{0});
  EXPECT_FALSE(log.is_offline());
  EXPECT_NE(fixture.report().notes.at(0).find("not kept"), std::string::npos);
}

/// A log whose recovery point lies within its first segment, and of which nothing was synced since when a sync failed.
struct AfterAFailedSync {
  explicit AfterAFailedSync(int synced = 3, int in_all = 30) : fixture(small_segments()) {
    for (int i = 0; i < synced; ++i) fixture.append();
    if (synced > 0) EXPECT_TRUE(fixture.sync());
    point = fixture.log().recovery_state();
    for (int i = synced; i < in_all; ++i) fixture.append();
    whole = fixture.read_all({0});
    fixture.drop();
    fixture.disk().call_all_clean();
  }
  /// As the next start does, with what is known then.
  bool start() { return fixture.try_reopen({.known = point, .writes_again = true}); }
  /// Power loss, and a start that knows nothing newer.
  BatchBytes read_after_power_loss() {
    fixture.drop();
    fixture.disk().crash();
    fixture.reopen_after({.known = point});
    return fixture.read_all({0});
  }

  LogFixture fixture;
  RecoveryPoint point;
  BatchBytes whole;
};

// A page that could not be written back stays in the cache, clean: whoever reads it there and goes on must not take it for stored, and
// writing it again where it is does not help either.
TEST(Recovery, AfterAFailedSyncWhatIsAcceptedIsStoredAnew) {
  for (const int synced : {0, 1, 3, 12, 13, 29}) {
    SCOPED_TRACE(std::to_string(synced) + " of 30 synced");
    AfterAFailedSync failed(synced);

    ASSERT_TRUE(failed.start());

    EXPECT_EQ(failed.fixture.read_all({0}), failed.whole);
    EXPECT_EQ(failed.read_after_power_loss(), failed.whole);
  }
}

// A start that the disk fails leaves what the next one can go on with.
TEST(Recovery, AfterAFailedSyncAStartThatFailsAnywhereIsRepeated) {
  std::size_t call = 1;
  for (bool has_failed = true; has_failed; ++call) {
    SCOPED_TRACE("call " + std::to_string(call) + " fails");
    AfterAFailedSync failed;
    failed.fixture.faults().fail_call(call);
    const bool is_open = failed.start() && !failed.fixture.log().is_offline();
    has_failed = failed.fixture.faults().has_failed();
    SCOPED_TRACE(failed.fixture.faults().failed_call() + ", notes: " + ::testing::PrintToString(failed.fixture.report().notes));
    failed.fixture.faults().heal();

    ASSERT_TRUE(is_open || failed.start());
    SCOPED_TRACE("notes then: " + ::testing::PrintToString(failed.fixture.report().notes));

    ASSERT_EQ(failed.fixture.read_all({0}), failed.whole);
    ASSERT_EQ(failed.fixture.append(), Offset{31});
    ASSERT_TRUE(failed.fixture.sync());
    failed.whole = failed.fixture.read_all({0});
    ASSERT_EQ(failed.read_after_power_loss(), failed.whole);
  }
  EXPECT_GT(call, 20U);
}

// Bytes that stand twice, in the file where they were and in the one where they are now, are told by the offsets alone.
TEST(Recovery, AfterAFailedSyncAStartThatFailedIsRepeatedWithoutAManifest) {
  std::size_t call = 1;
  for (bool has_failed = true; has_failed; ++call) {
    for (const bool survived : {false, true}) {
      SCOPED_TRACE("call " + std::to_string(call) + " fails" + (survived ? ", writes survived" : ""));
      AfterAFailedSync failed;
      failed.fixture.faults().fail_call(call);
      failed.start();
      has_failed = failed.fixture.faults().has_failed();
      failed.fixture.faults().heal();

      ASSERT_TRUE(failed.fixture.try_reopen({.known = std::nullopt, .writes_survived = survived}));

      ASSERT_EQ(failed.fixture.read_all({0}), failed.whole);
      ASSERT_EQ(failed.fixture.append(), Offset{31});
    }
  }
  EXPECT_GT(call, 20U);
}

TEST(Recovery, AfterAFailedSyncATornEndIsCutWhereItIsStoredAnew) {
  AfterAFailedSync failed(3, 5);
  const auto file = failed.fixture.disk().open(kFirstFile, storage::OpenMode::write);
  ASSERT_TRUE(file && (*file)->truncate(failed.whole.size() - 1));
  failed.whole.resize(failed.whole.size() / 5 * 4);

  ASSERT_TRUE(failed.start());

  EXPECT_EQ(failed.fixture.log().end_offset(), Offset{4});
  EXPECT_EQ(failed.read_after_power_loss(), failed.whole);
}

}  // namespace
}  // namespace tidelog::testing
