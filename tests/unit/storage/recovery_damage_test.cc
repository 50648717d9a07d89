// What is damaged stays, is told and is not served; what was torn is cut. docs/decisions/0003.
#include "storage/log/file_names.h"
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::testing {
namespace {

using storage::DamagedRange;
using storage::Log;
using storage::RecoveryPoint;

const std::string kFirstFile = LogFixture::path("00000000000000000000.log");

/// The process was killed, the machine went on.
storage::RecoveryRequest killed(std::optional<RecoveryPoint> known = RecoveryPoint{}) { return {.known = known, .writes_survived = true}; }

/// A log of batches with one record each and all of one size, and what a client reads of it as long as nothing is wrong.
struct Written {
  LogFixture fixture;
  LogReading before;
  std::size_t one = make_batch({0}).size();

  explicit Written(int batches, const storage::LogConfig& config = {}) : fixture(config) {
    for (int i = 0; i < batches; ++i) fixture.append();
    before = read_as_client(fixture.log());
  }

  void flip(const std::string& path, std::size_t at, std::uint8_t bits = 1) {
    BatchBytes bytes = fixture.disk().contents(path);
    bytes.at(at) ^= std::byte{bits};
    fixture.disk().set_contents(path, bytes);
  }

  /// All that was there is, but for the given offsets, which are refused.
  void expect_all_but(const std::set<Offset>& damaged) {
    const LogReading now = read_as_client(fixture.log());
    EXPECT_EQ(now.refused, damaged);
    EXPECT_EQ(now.end, before.end);
    for (const auto& [base, bytes] : before.batches) {
      if (!damaged.contains(base)) EXPECT_TRUE(now.holds(base, bytes)) << base.value;
    }
  }
};

TEST(RecoveryDamage, ABatchThatValidOnesFollowStaysWhereItIs) {
  Written log(5);
  log.flip(kFirstFile, log.one * 2 + 70);
  const BatchBytes damaged = log.fixture.disk().contents(kFirstFile);

  log.fixture.reopen_after(killed());

  log.expect_all_but({Offset{2}});
  EXPECT_EQ(log.fixture.report().bytes_cut, 0U);
  EXPECT_EQ(log.fixture.disk().contents(kFirstFile), damaged);
  const std::vector<DamagedRange> expected{
      {.from = {2}, .to = {3}, .segment_base = {0}, .position = log.one * 2, .end_position = log.one * 3}};
  EXPECT_EQ(log.fixture.log().damage().ranges(), expected);
  ASSERT_FALSE(log.fixture.report().notes.empty());
  EXPECT_NE(log.fixture.report().notes.front().find("00000000000000000000.log: offsets 2 to 2 are damaged"), std::string::npos);
}

TEST(RecoveryDamage, AppendsGoOnBehindIt) {
  Written log(3);
  log.flip(kFirstFile, log.one + 70);
  log.fixture.reopen_after(killed());

  EXPECT_EQ(log.fixture.append(), Offset{4});

  EXPECT_EQ(read_as_client(log.fixture.log()).refused, std::set<Offset>{Offset{1}});
}

TEST(RecoveryDamage, LaterSegmentsStayInTheLog) {
  Written log(30, small_segments());
  const std::size_t last_of_first = log.fixture.disk().contents(kFirstFile).size() - 10;
  const Offset last{static_cast<std::int64_t>(log.fixture.disk().contents(kFirstFile).size() / log.one) - 1};
  log.flip(kFirstFile, last_of_first);

  log.fixture.reopen_after(killed());

  log.expect_all_but({last});
  EXPECT_EQ(log.fixture.report().segments_set_aside, 0U);
}

TEST(RecoveryDamage, ASegmentThatIsGoneIsOneRangeAndItsNeighboursServe) {
  Written log(30, small_segments());
  const auto names = log.fixture.disk().names(kLogDirectory);
  std::vector<std::string> segments;
  std::ranges::copy_if(names, std::back_inserter(segments), [](const std::string& name) { return name.ends_with(".log"); });
  ASSERT_GE(segments.size(), 3U);
  const Offset from{std::stoll(segments[1])};
  const Offset to{std::stoll(segments[2])};
  log.fixture.drop();
  ASSERT_TRUE(log.fixture.disk().remove(LogFixture::path(segments[1])));

  log.fixture.reopen_after(killed());

  std::set<Offset> gone;
  for (Offset at = from; at < to; ++at) gone.insert(at);
  log.expect_all_but(gone);
}

TEST(RecoveryDamage, AfterPowerLossTheFirstInvalidByteEndsTheLog) {
  Written log(5);
  log.flip(kFirstFile, log.one * 2 + 70);
  const BatchBytes whole = log.fixture.disk().contents(kFirstFile);

  log.fixture.reopen(RecoveryPoint{});

  EXPECT_EQ(log.fixture.log().end_offset(), Offset{2});
  EXPECT_TRUE(log.fixture.log().damage().empty());
  const BatchBytes cut = log.fixture.disk().contents(kFirstFile + "." + std::to_string(log.one * 2) + "-0.cut");
  EXPECT_EQ(cut, BatchBytes(whole.begin() + static_cast<std::ptrdiff_t>(log.one * 2), whole.end()));
}

// It was known after a kill; then the power failed before anything said more, and others got those offsets.
TEST(RecoveryDamage, WhatIsCutTakesItsDamageAlong) {
  Written log(5);
  log.flip(kFirstFile, log.one * 2 + 70);
  log.fixture.reopen_after(killed());
  ASSERT_FALSE(log.fixture.log().damage().empty());

  log.fixture.reopen_after({.known = RecoveryPoint{}});
  ASSERT_EQ(log.fixture.log().end_offset(), Offset{2});
  log.fixture.append();

  EXPECT_TRUE(log.fixture.log().damage().empty());
  EXPECT_TRUE(read_as_client(log.fixture.log()).refused.empty());
}

TEST(RecoveryDamage, ATearBehindItIsStillCut) {
  Written log(5);
  log.flip(kFirstFile, log.one + 70);
  BatchBytes torn = log.fixture.disk().contents(kFirstFile);
  torn.resize(torn.size() - 5);
  log.fixture.disk().set_contents(kFirstFile, torn);

  log.fixture.reopen_after(killed());

  EXPECT_EQ(log.fixture.log().end_offset(), Offset{4});
  EXPECT_EQ(read_as_client(log.fixture.log()).refused, std::set<Offset>{Offset{1}});
  EXPECT_EQ(log.fixture.report().bytes_cut, log.one - 5);
}

/// A write that failed was cut back, power loss undid the cut, and the log had gone on in the next segment.
TEST(RecoveryDamage, GarbageBetweenSegmentsThatFollowOnEachOtherIsCutAlone) {
  for (const bool survived : {false, true}) {
    Written log(30, small_segments());
    BatchBytes longer = log.fixture.disk().contents(kFirstFile);
    longer.insert(longer.end(), 33, std::byte{0x55});
    log.fixture.disk().set_contents(kFirstFile, longer);

    log.fixture.reopen_after({.known = RecoveryPoint{}, .writes_survived = survived});

    log.expect_all_but({});
    EXPECT_EQ(log.fixture.report().bytes_cut, 33U);
  }
}

TEST(RecoveryDamage, IsKnownAfterACleanRestart) {
  Written log(5);
  log.flip(kFirstFile, log.one * 2 + 70);
  log.fixture.reopen_after(killed());

  log.fixture.restart();

  EXPECT_FALSE(log.fixture.log().damage().empty());
  log.expect_all_but({Offset{2}});
}

TEST(RecoveryDamage, IsKnownAfterACleanStopIfTheManifestSaysThatThereIsSome) {
  Written log(5);
  log.flip(kFirstFile, log.one * 2 + 70);
  log.fixture.reopen_after(killed());
  ASSERT_TRUE(log.fixture.sync());
  log.fixture.log().close();
  const RecoveryPoint point = log.fixture.log().recovery_state();

  log.fixture.reopen_after({.known = point, .was_clean = true, .had_damage = true});

  EXPECT_FALSE(log.fixture.report().bytes_scanned > 0);
  log.expect_all_but({Offset{2}});
}

TEST(RecoveryDamage, TakesNothingAwayOnceTheLogStartPassedIt) {
  Written log(5);
  log.flip(kFirstFile, log.one + 70);
  log.fixture.reopen_after(killed());
  ASSERT_TRUE(log.fixture.log().advance_log_start({3}));

  log.fixture.restart();
  log.fixture.reopen_after(killed(log.fixture.log().recovery_state()));

  EXPECT_EQ(read_as_client(log.fixture.log()).batches.size(), 2U);
}

/// A header that is no header ends every walk over the file, the log start notwithstanding: loading the log steps over it.
TEST(RecoveryDamage, BelowTheLogStartItStaysAHoleInItsFile) {
  for (const std::size_t batch : {std::size_t{0}, std::size_t{1}}) {
    Written log(5);
    log.flip(kFirstFile, log.one * batch + 16);  // The magic byte.
    log.fixture.reopen_after(killed());
    ASSERT_TRUE(log.fixture.log().advance_log_start({3}));
    ASSERT_TRUE(log.fixture.sync());
    const RecoveryPoint point = log.fixture.log().recovery_state();
    log.fixture.append();

    log.fixture.reopen_after(killed(point));

    EXPECT_FALSE(log.fixture.log().is_offline()) << log.fixture.log().offline_reason();
    const LogReading now = read_as_client(log.fixture.log());
    EXPECT_EQ(now.batches.size(), 3U) << batch;
    EXPECT_TRUE(now.refused.empty()) << batch;
    const auto newest = log.fixture.log().max_timestamp({6});
    const auto first = log.fixture.log().offset_for_timestamp({1000}, {6});
    EXPECT_TRUE(newest && *newest && (*newest)->offset == Offset{3}) << batch;
    EXPECT_TRUE(first && *first && (*first)->offset == Offset{3}) << batch;
  }
}

TEST(RecoveryDamage, BelowTheLogStartItIsFoundAgainIfItsFileOfRangesIsLost) {
  Written log(5);
  log.flip(kFirstFile, log.one + 16);
  log.fixture.reopen_after(killed());
  ASSERT_TRUE(log.fixture.log().advance_log_start({5}));
  ASSERT_TRUE(log.fixture.sync());
  const RecoveryPoint point = log.fixture.log().recovery_state();
  log.fixture.drop();
  ASSERT_TRUE(log.fixture.disk().remove(LogFixture::path("damaged-ranges")));

  log.fixture.reopen_after(killed(point));

  EXPECT_EQ(log.fixture.append(), Offset{6});
  EXPECT_EQ(read_as_client(log.fixture.log()).batches.size(), 1U);
}

TEST(RecoveryDamage, IsForgottenWhenItsFileGoes) {
  Written log(30, small_segments());
  const auto in_first = static_cast<std::int64_t>(log.fixture.disk().contents(kFirstFile).size() / log.one);
  log.flip(kFirstFile, log.one + 70);
  log.fixture.reopen_after(killed());
  ASSERT_TRUE(log.fixture.log().advance_log_start({in_first}));
  log.fixture.restart();
  const bool is_known = !log.fixture.log().damage().empty();

  const Result<std::size_t> removed = log.fixture.log().remove_segments_below_start();

  EXPECT_TRUE(is_known);
  ASSERT_TRUE(removed && *removed == 1U);
  EXPECT_TRUE(log.fixture.log().damage().empty());
  log.fixture.restart();
  EXPECT_TRUE(log.fixture.log().damage().empty());
}

TEST(RecoveryDamage, AFileThatEndsBelowTheRecoveryPointIsServedUpToThere) {
  Written log(5);
  ASSERT_TRUE(log.fixture.sync());
  const RecoveryPoint point = log.fixture.log().recovery_state();
  log.fixture.drop();
  BatchBytes shorter = log.fixture.disk().contents(kFirstFile);
  shorter.resize(shorter.size() - log.one - 1);
  log.fixture.disk().set_contents(kFirstFile, shorter);

  log.fixture.reopen(point);

  log.expect_all_but({Offset{3}, Offset{4}});
  EXPECT_EQ(log.fixture.disk().contents(kFirstFile), shorter);
  EXPECT_EQ(log.fixture.append(), Offset{6});
  EXPECT_EQ(read_as_client(log.fixture.log()).refused, (std::set<Offset>{Offset{3}, Offset{4}}));
}

TEST(RecoveryDamage, OffsetsOfALogThatIsGoneAreNotGivenOutAgain) {
  Written log(3);
  ASSERT_TRUE(log.fixture.sync());
  const RecoveryPoint point = log.fixture.log().recovery_state();
  log.fixture.drop();
  ASSERT_TRUE(log.fixture.disk().remove(kFirstFile));

  log.fixture.reopen(point);

  log.expect_all_but({Offset{0}, Offset{1}, Offset{2}});
  EXPECT_EQ(log.fixture.append(), Offset{4});
}

TEST(RecoveryDamage, AFullCheckFindsItBelowTheRecoveryPointAndTouchesNothing) {
  Written log(30, small_segments());
  ASSERT_TRUE(log.fixture.sync());
  const RecoveryPoint point = log.fixture.log().recovery_state();
  log.flip(kFirstFile, log.one + 70);
  const BatchBytes rotten = log.fixture.disk().contents(kFirstFile);

  const bool is_noticed = !log.fixture.reopen(point).damage().empty();
  log.fixture.reopen(point, true);

  EXPECT_FALSE(is_noticed);
  log.expect_all_but({Offset{1}});
  EXPECT_EQ(log.fixture.disk().contents(kFirstFile), rotten);
}

/// The checksum does not cover it, and a batch with a lower one would pass for one that the reader has already.
TEST(RecoveryDamage, ABaseOffsetThatChangedBelowTheRecoveryPointHidesNothing) {
  for (const std::uint8_t bits : {1, 2, 4, 64}) {
    for (const std::size_t max_bytes : {std::size_t{1}, std::size_t{250}, std::size_t{1} << 20}) {
      Written log(9, small_segments(4000));
      log.fixture.restart();
      log.flip(kFirstFile, log.one * 5 + 7, bits);

      const LogReading now = read_as_client(log.fixture.log(), max_bytes);

      EXPECT_EQ(now.refused, std::set<Offset>{Offset{5}}) << int{bits} << " " << max_bytes;
      EXPECT_EQ(now.batches.size(), 8U);
      EXPECT_FALSE(log.fixture.log().damage().empty());
    }
  }
}

TEST(RecoveryDamage, SearchesByTimeThatMeetItAreRefusedAndOthersAnswered) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append(BatchSpec{.timestamps = {1000 + i}});
  const std::size_t one = make_batch({0}).size();
  BatchBytes bytes = fixture.disk().contents(kFirstFile);
  bytes.at(one * 2 + 70) ^= std::byte{1};
  fixture.disk().set_contents(kFirstFile, bytes);
  fixture.reopen_after(killed());
  Log& log = fixture.log();

  const auto before = log.offset_for_timestamp({1001}, log.end_offset());
  const auto behind = log.offset_for_timestamp({1003}, log.end_offset());
  const auto newest = log.max_timestamp(log.end_offset());

  ASSERT_TRUE(before && before->has_value());
  EXPECT_EQ((*before)->offset, Offset{1});
  EXPECT_EQ(behind.error(), Errc::corrupt);
  EXPECT_EQ(newest.error(), Errc::corrupt);
}

TEST(RecoveryDamage, ASearchByTimeIsRefusedIfTheFirstBatchIsDamagedThatMayHaveWhatItLooksFor) {
  LogFixture fixture;
  for (int i = 0; i < 5; ++i) fixture.append(BatchSpec{.timestamps = {1000 + i}});
  BatchBytes bytes = fixture.disk().contents(kFirstFile);
  bytes.at(70) ^= std::byte{1};
  fixture.disk().set_contents(kFirstFile, bytes);
  fixture.reopen_after(killed());

  EXPECT_EQ(fixture.log().offset_for_timestamp({1000}, fixture.log().end_offset()).error(), Errc::corrupt);
}

/// What is known needs no look at the log: that could take minutes, and whoever asks again would have it looked at again.
TEST(RecoveryDamage, SearchesByTimeAreRefusedForWhatIsKnownWithoutAReadOfTheDisk) {
  Written log(60, small_segments());
  log.flip(kFirstFile, log.one * 2 + 70);
  log.fixture.reopen_after(killed());
  const Offset end = log.fixture.log().end_offset();
  ASSERT_TRUE(log.fixture.log().size_bytes());  // Loads it.
  std::size_t before = log.fixture.faults().calls();

  const auto newest = log.fixture.log().max_timestamp(end);

  EXPECT_EQ(newest.error(), Errc::corrupt);
  EXPECT_EQ(log.fixture.faults().calls(), before);
  // One that has to read up to the damage stops there.
  storage::TimeSearch search({.at_least = TimestampMs{1001}, .limit = end});
  Result<void> done;
  while (done && !search.is_done()) done = search.has_stretch() ? search.read_piece() : log.fixture.log().advance(search);
  before = log.fixture.faults().calls();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Errc::corrupt);
  EXPECT_FALSE(log.fixture.log().look_for_damage(search));
  EXPECT_EQ(log.fixture.faults().calls(), before);
}

/// Only the segment in which a search met it is looked at, not the log.
TEST(RecoveryDamage, ASearchByTimeFindsWhatItMeetsAndLeavesTheRest) {
  Written log(60, small_segments());
  log.fixture.restart();
  const auto in_first = log.fixture.disk().contents(kFirstFile).size() / log.one;
  const std::string second = storage::offset_file(kLogDirectory, Offset{static_cast<std::int64_t>(in_first)}, storage::kLogSuffix);
  const std::string third = storage::offset_file(kLogDirectory, Offset{static_cast<std::int64_t>(2 * in_first)}, storage::kLogSuffix);
  log.flip(second, log.one * 2 + 16);
  log.flip(third, log.one * 2 + 16);
  for (const std::string& path : {second, third}) {
    for (const char* suffix : {"index", "timeindex"}) {
      static_cast<void>(log.fixture.disk().remove(path.substr(0, path.size() - 3) + suffix).has_value());
    }
  }

  const auto found = log.fixture.log().offset_for_timestamp({1001}, log.fixture.log().end_offset());

  EXPECT_EQ(found.error(), Errc::corrupt);
  ASSERT_EQ(log.fixture.log().damage().ranges().size(), 1U);
  EXPECT_EQ(log.fixture.log().damage().ranges().front().from, Offset{static_cast<std::int64_t>(in_first + 2)});
}

/// A value may hold whole batches. They are no records of the log, whatever happens to the batch around them.
TEST(RecoveryDamage, ABatchInsideAValueIsNeverTakenForOneOfTheLog) {
  const BatchBytes inner = make_batch({6}, {.records = 3});
  proto::BatchBuilder builder;
  builder.append({.timestamp = {1000}, .key = {}, .value = inner, .headers = {}});
  const Bytes built = builder.build({.base_offset = {2}, .leader_epoch = {0}});
  const BatchBytes outer(built.begin(), built.end());
  for (std::size_t at = 0; at < outer.size(); ++at) {
    if (at >= 12 && at < 16) continue;  // The leader epoch.
    LogFixture fixture;
    BatchBytes bytes;
    for (const BatchBytes& batch : {make_batch({0}), make_batch({1}), outer, make_batch({3}), make_batch({4})}) {
      bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    bytes.at(make_batch({0}).size() * 2 + at) ^= std::byte{8};
    fixture.disk().set_contents(kFirstFile, bytes);

    fixture.reopen_after(killed());

    const LogReading now = read_as_client(fixture.log());
    ASSERT_EQ(now.refused, std::set<Offset>{Offset{2}}) << at;
    ASSERT_EQ(now.batches.size(), 4U) << at;
  }
}

TEST(RecoveryDamage, WhatWasCutIsRemovedAfterADay) {
  Written log(3);
  BatchBytes torn = log.fixture.disk().contents(kFirstFile);
  torn.pop_back();
  log.fixture.disk().set_contents(kFirstFile, torn);
  constexpr std::int64_t kNow = 1'700'000'000'000, kDay = 24LL * 3600 * 1000;
  log.fixture.reopen_after({.known = RecoveryPoint{}, .now = {kNow}});
  const std::string aside = kFirstFile + "." + std::to_string(log.one * 2) + "-" + std::to_string(kNow) + ".cut";
  ASSERT_TRUE(log.fixture.disk().exists(aside));

  ASSERT_TRUE(log.fixture.log().delete_old_segments({kNow + kDay}, {0}));
  const bool is_there_after_a_day = log.fixture.disk().exists(aside);
  ASSERT_TRUE(log.fixture.log().delete_old_segments({kNow + kDay + 1}, {0}));

  EXPECT_TRUE(is_there_after_a_day);
  EXPECT_FALSE(log.fixture.disk().exists(aside));
}

}  // namespace
}  // namespace tidelog::testing
