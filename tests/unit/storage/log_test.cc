#include "storage/log/log.h"

#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::FirstBatch;
using storage::Log;
using storage::Slice;

TEST(LogCreate, RefusesADirectoryThatHoldsAnotherLog) {
  LogFixture fixture;

  const auto again = Log::create(fixture.place(), {.topic_id = kIdentity.topic_id, .log_id = 43}, fixture.config());

  EXPECT_EQ(again.error(), Errc::exists);
  EXPECT_EQ(*storage::read_identity(fixture.place()), kIdentity);
}

TEST(LogCreate, SurvivesPowerLossOnceItReturns) {
  LogFixture fixture;

  fixture.disk().crash();

  EXPECT_EQ(*storage::read_identity(fixture.place()), kIdentity);
}

TEST(LogCreate, LeavesSyncsToTheCallerIfAsked) {
  MemoryFiles disk;
  for (const char* directory : {"disk/a-0", "disk/b-0"}) {
    ASSERT_TRUE(Log::create({&disk, directory}, kIdentity, {}, storage::CreateSync::by_caller));
  }

  ASSERT_TRUE(disk.sync_disk("disk"));
  disk.crash();

  EXPECT_TRUE(storage::read_identity({&disk, "disk/a-0"}));
  EXPECT_TRUE(storage::read_identity({&disk, "disk/b-0"}));
}

TEST(LogAppend, ReturnsTheNewEnd) {
  LogFixture fixture;

  const Offset end = fixture.append({{.records = 3}, {.records = 2}});

  EXPECT_EQ(end, Offset{5});
  EXPECT_EQ(fixture.log().end_offset(), Offset{5});
}

TEST(LogAppend, RefusesBatchesThatDoNotContinueTheLog) {
  LogFixture fixture;
  fixture.append();
  const BatchBytes batch = make_batch({5});
  const std::vector<Bytes> batches{batch};

  const Result<Offset> end = fixture.log().append(batches);

  EXPECT_EQ(end.error(), Errc::invalid);
  EXPECT_EQ(fixture.log().end_offset(), Offset{1});
}

TEST(LogAppend, RefusesEpochsThatRecoveryWouldTakeForTorn) {
  LogFixture fixture;
  fixture.append(BatchSpec{.epoch = {4}});

  const Offset end = fixture.append(BatchSpec{.epoch = {3}});

  EXPECT_EQ(end, Offset{-1});
  EXPECT_EQ(fixture.log().end_offset(), Offset{1});
}

TEST(LogAppend, RollsAtSegmentBytes) {
  LogFixture fixture(small_segments());

  for (int i = 0; i < 30; ++i) fixture.append();

  const auto names = fixture.disk().names(kLogDirectory);
  const auto logs = std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".log"); });
  EXPECT_GT(logs, 2);
  EXPECT_EQ(headers_of(fixture.read_all({0})).size(), 30U);
}

TEST(LogAppend, RollsAtSegmentMs) {
  storage::LogConfig config;
  config.segment_ms = 100;
  LogFixture fixture(config);
  fixture.append(BatchSpec{.timestamps = {1000}});
  fixture.append(BatchSpec{.timestamps = {1100}});

  fixture.append(BatchSpec{.timestamps = {1101}});

  EXPECT_TRUE(fixture.disk().exists(LogFixture::path("00000000000000000002.log")));
}

TEST(LogAppend, TakesABatchLargerThanASegment) {
  LogFixture fixture(small_segments());
  fixture.append();

  const Offset end = fixture.append(BatchSpec{.value_bytes = 5000});

  EXPECT_EQ(end, Offset{2});
  EXPECT_EQ(headers_of(fixture.read_all({0})).size(), 2U);
}

TEST(RuleR5, AFullDiskLeavesLogProducersAndEpochsAsTheyWere) {
  LogFixture fixture;
  fixture.append(BatchSpec{.producer = {9}, .producer_epoch = 0, .sequence = 0});
  const BatchBytes stored = fixture.disk().contents(LogFixture::path("00000000000000000000.log"));
  const BatchSpec next{.epoch = {5}, .producer = {9}, .producer_epoch = 0, .sequence = 1};
  const auto header = *storage::parse_batch_header(make_batch({1}, next));
  ASSERT_EQ(fixture.log().producers().check_and_stage(header, {1}).verdict, storage::ProducerVerdict::fresh);
  fixture.faults().fail_writes(Errc::no_space);

  const Offset failed = fixture.append(next);

  EXPECT_EQ(failed, Offset{-1});
  EXPECT_EQ(fixture.log().end_offset(), Offset{1});
  EXPECT_FALSE(fixture.log().is_offline());
  EXPECT_EQ(fixture.log().latest_epoch(), LeaderEpoch{0});
  EXPECT_EQ(fixture.disk().contents(LogFixture::path("00000000000000000000.log")), stored);
  fixture.faults().heal();
  // The retry is no duplicate of what was never written.
  EXPECT_EQ(fixture.log().producers().check_and_stage(header, {1}).verdict, storage::ProducerVerdict::fresh);
  EXPECT_EQ(fixture.append(next), Offset{2});
  EXPECT_EQ(fixture.log().producers().check_and_stage(header, {2}).verdict, storage::ProducerVerdict::duplicate);
}

TEST(RuleR5, AFailedRollLeavesTheOldSegmentInPlace) {
  LogFixture fixture(small_segments());
  const std::size_t one = make_batch({0}).size();
  for (std::size_t size = one; size <= 1000; size += one) fixture.append();
  const Offset before = fixture.log().end_offset();
  fixture.faults().fail_call(1, Errc::no_space);

  const Offset failed = fixture.append();
  const Offset retried = fixture.append();

  EXPECT_EQ(failed, Offset{-1});
  EXPECT_EQ(retried, before + 1);
  EXPECT_EQ(headers_of(fixture.read_all({0})).size(), static_cast<std::size_t>(before.value) + 1);
}

/// Power loss may bring back what was cut off, and whatever follows in a later segment would be lost with it.
TEST(LogSync, CoversACutOfAFailedWriteBeforeWhatFollowsIt) {
  LogFixture fixture(small_segments(300));
  fixture.append({.value_bytes = 100});
  ASSERT_TRUE(fixture.sync());
  const storage::SyncTicket before = fixture.log().begin_sync();
  fixture.faults().fail_writes(Errc::io);
  ASSERT_EQ(fixture.append(), Offset{-1});
  fixture.faults().heal();
  fixture.log().finish_sync(before);  // Begun before the cut, so it does not cover it.
  EXPECT_TRUE(fixture.log().is_dirty());
  ASSERT_EQ(fixture.append({.value_bytes = 200}), Offset{2});  // Into a new segment.

  const storage::SyncTicket ticket = fixture.log().begin_sync();
  ASSERT_TRUE(ticket.sync(fixture.faults()));
  fixture.log().finish_sync(ticket);

  EXPECT_EQ(ticket.files.size(), 2U);
  EXPECT_FALSE(fixture.log().is_dirty());
  EXPECT_TRUE(fixture.log().begin_sync().files.empty());
}

// Or whoever tries again is told that the log is there.
TEST(LogCreate, OneThatFailedAnywhereCanBeTriedAgain) {
  std::size_t call = 1;
  for (bool has_failed = true; has_failed; ++call) {
    MemoryFiles disk;
    FaultyFiles faults(disk);
    faults.fail_call(call);
    const bool is_made = Log::create({&faults, kLogDirectory}, kIdentity, {}).has_value();
    has_failed = faults.has_failed();
    ASSERT_EQ(is_made, !has_failed) << faults.failed_call();
    if (!is_made) ASSERT_TRUE(Log::create({&faults, kLogDirectory}, kIdentity, {})) << faults.failed_call();
  }
  EXPECT_GT(call, 5U);
}

TEST(LogCreate, AfterAFailedSyncTheIdentityIsStoredAnew) {
  MemoryFiles disk;
  const storage::LogPlace place{&disk, kLogDirectory};
  ASSERT_TRUE(Log::create(place, kIdentity, {}, storage::CreateSync::by_caller));
  ASSERT_TRUE(disk.sync_dir(kLogDirectory));
  disk.call_all_clean();
  storage::RecoveryReport report;

  ASSERT_TRUE(Log::open(place, {}, {.identity = kIdentity, .recovery = {.writes_again = true}}, report));
  disk.crash();

  const auto identity = storage::read_identity(place);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->log_id, kIdentity.log_id);
}

TEST(LogAppend, ADiskThatBecameReadOnlyTakesNothingAndWhatItHasIsServed) {
  LogFixture fixture;
  fixture.append();
  fixture.faults().fail_writes(Errc::refused, true);

  EXPECT_EQ(fixture.append(), Offset{-1});

  EXPECT_FALSE(fixture.log().is_offline()) << fixture.log().offline_reason();
  EXPECT_EQ(fixture.read_all({0}).size(), make_batch({0}).size());
  fixture.faults().heal();
  EXPECT_EQ(fixture.append(), Offset{2});
}

TEST(LogAppend, AnIdleLogOfADiskThatBecameReadOnlyIsServed) {
  LogFixture fixture;
  fixture.append();
  ASSERT_TRUE(fixture.sync());
  ASSERT_TRUE(fixture.log().release());
  fixture.faults().fail_writes(Errc::refused, true);

  EXPECT_EQ(fixture.read_all({0}).size(), make_batch({0}).size());
  EXPECT_EQ(fixture.append(), Offset{-1});

  fixture.faults().heal();
  EXPECT_EQ(fixture.append(), Offset{2}) << "what was opened for reading is not written to";
}

TEST(LogAppend, GoesOfflineWhenAFailedWriteCannotBeCutBack) {
  LogFixture fixture;
  fixture.append();
  fixture.faults().fail_writes(Errc::io, true);

  fixture.append();
  fixture.faults().heal();

  EXPECT_TRUE(fixture.log().is_offline());
  EXPECT_EQ(fixture.append(), Offset{-1});
  EXPECT_EQ(fixture.log().read({.from = {0}, .limit = {1}, .max_bytes = 100}).error(), Errc::offline);
}

void expect_whole_batches(LogFixture& fixture, Offset from, Offset limit, std::size_t max_bytes) {
  const Result<Slice> slice = fixture.log().read({.from = from, .limit = limit, .max_bytes = max_bytes});
  ASSERT_TRUE(slice) << from.value;
  const auto headers = headers_of(LogFixture::bytes_of(*slice));
  if (limit == fixture.log().end_offset()) ASSERT_FALSE(headers.empty()) << from.value;
  if (headers.empty()) return;
  ASSERT_EQ(headers.front().base_offset, slice->first_offset);
  ASSERT_LE(headers.front().base_offset, from);
  ASSERT_GE(headers.front().last_offset(), from);
  ASSERT_EQ(headers.back().next_offset(), slice->next_offset);
  ASSERT_LE(slice->next_offset, limit);
  ASSERT_TRUE(headers.size() == 1 || slice->size_bytes <= max_bytes);
}

TEST(LogRead, NeverSplitsABatchAndKeepsItsBounds) {
  LogFixture fixture(small_segments(2000));
  for (int i = 0; i < 40; ++i) fixture.append({{.records = 1 + i % 3}, {.records = 2, .value_bytes = static_cast<std::size_t>(i)}});
  const Offset end = fixture.log().end_offset();

  for (Offset from{0}; from < end; ++from) {
    for (const std::size_t max_bytes : {std::size_t{1}, std::size_t{100}, std::size_t{300}, std::size_t{700}, std::size_t{10'000}}) {
      for (const Offset limit : {from, from + 1, from + 7, end}) expect_whole_batches(fixture, from, limit, max_bytes);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(LogRead, FillsWhatTheLimitAllows) {
  LogFixture fixture;
  for (int i = 0; i < 10; ++i) fixture.append();
  const std::size_t one = make_batch({0}).size();

  const Result<Slice> slice = fixture.log().read({.from = {2}, .limit = {10}, .max_bytes = 3 * one + 1});

  EXPECT_EQ(slice->size_bytes, 3 * one);
  EXPECT_EQ(slice->next_offset, Offset{5});
}

TEST(LogRead, GivesNothingRatherThanTooMuchIfAsked) {
  LogFixture fixture;
  fixture.append();

  const Result<Slice> slice = fixture.log().read({.from = {0}, .limit = {1}, .max_bytes = 10, .first_batch = FirstBatch::only_if_it_fits});

  EXPECT_TRUE(slice->empty());
  EXPECT_EQ(slice->next_offset, Offset{0});
}

TEST(LogRead, KnowsWhatIsOutOfRange) {
  LogFixture fixture;
  for (int i = 0; i < 4; ++i) fixture.append();
  ASSERT_TRUE(fixture.log().advance_log_start({2}));

  EXPECT_EQ(fixture.log().read({.from = {1}, .limit = {4}, .max_bytes = 10}).error(), Errc::out_of_range);
  EXPECT_EQ(fixture.log().read({.from = {5}, .limit = {4}, .max_bytes = 10}).error(), Errc::out_of_range);
  EXPECT_TRUE(fixture.log().read({.from = {4}, .limit = {4}, .max_bytes = 10})->empty());
}

TEST(LogRead, SequentialReadsAtTheTailDoNotTouchTheDisk) {
  LogFixture fixture;
  for (int i = 0; i < 100; ++i) fixture.append();
  const Offset from = fixture.log().end_offset();
  fixture.append();
  const std::size_t calls = fixture.faults().calls();

  const Result<Slice> slice = fixture.log().read({.from = from, .limit = fixture.log().end_offset(), .max_bytes = 1000});

  EXPECT_FALSE(slice->empty());
  EXPECT_EQ(fixture.faults().calls(), calls);
}

TEST(LogRead, CatchUpCostsOneDiskReadASlice) {
  LogFixture fixture;
  for (int i = 0; i < 400; ++i) fixture.append();
  Offset from{0};
  std::size_t slices = 0;
  fixture.log().read({.from = from, .limit = {400}, .max_bytes = 1}).value();
  const std::size_t calls = fixture.faults().calls();

  while (from < Offset{400}) {
    from = fixture.log().read({.from = from, .limit = {400}, .max_bytes = 8000})->next_offset;
    ++slices;
  }

  EXPECT_LE(fixture.faults().calls() - calls, 2 * slices);
}

TEST(RuleR13, ASliceOutlivesItsSegment) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  const Result<Slice> slice = fixture.log().read({.from = {0}, .limit = {30}, .max_bytes = 500});
  const BatchBytes before = LogFixture::bytes_of(*slice);
  ASSERT_TRUE(fixture.sync());
  ASSERT_TRUE(fixture.log().advance_log_start({29}));

  const Result<std::size_t> removed = fixture.log().delete_old_segments({0}, {30});

  EXPECT_GT(*removed, 0U);
  EXPECT_FALSE(fixture.disk().exists(LogFixture::path("00000000000000000000.log")));
  EXPECT_EQ(LogFixture::bytes_of(*slice), before);
}

TEST(LogSync, ATicketCoversFilesBeforeARollAndTheirDirectory) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  const BatchBytes stored = fixture.read_all({0});

  ASSERT_TRUE(fixture.sync());
  fixture.disk().crash();

  EXPECT_FALSE(fixture.log().is_dirty());
  const storage::RecoveryPoint point = fixture.log().recovery_state();
  fixture.reopen(point);
  EXPECT_EQ(fixture.log().end_offset(), Offset{30});
  EXPECT_EQ(fixture.report().bytes_scanned, 0U);
  EXPECT_EQ(fixture.read_all({0}), stored);
}

TEST(LogSync, MovesTheRecoveryPointToWhatTheTicketCoversOnly) {
  LogFixture fixture;
  fixture.append();
  const storage::SyncTicket ticket = fixture.log().begin_sync();
  fixture.append();

  ASSERT_TRUE(ticket.sync(fixture.faults()));
  fixture.log().finish_sync(ticket);

  EXPECT_EQ(ticket.end_offset, Offset{1});
  EXPECT_EQ(fixture.log().recovery_state().offset, Offset{1});
  EXPECT_TRUE(fixture.log().is_dirty());
}

TEST(LogSync, KeepsADirectoryDirtyThatGotAFileDuringTheRound) {
  LogFixture fixture(small_segments());
  fixture.append();
  const storage::SyncTicket first = fixture.log().begin_sync();
  for (int i = 0; i < 20; ++i) fixture.append();
  ASSERT_TRUE(first.sync(fixture.faults()));
  fixture.log().finish_sync(first);

  const storage::SyncTicket second = fixture.log().begin_sync();

  EXPECT_FALSE(second.directories.empty());
}

TEST(LogEpochs, AreAnsweredAsKafkaDoes) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .epoch = {2}});
  fixture.append(BatchSpec{.records = 4, .epoch = {5}});

  EXPECT_EQ(fixture.log().end_offset_for_epoch({5}), (storage::EpochEnd{{5}, {7}}));
  EXPECT_EQ(fixture.log().end_offset_for_epoch({4}), (storage::EpochEnd{{2}, {3}}));
  EXPECT_EQ(fixture.log().end_offset_for_epoch({1}), (storage::EpochEnd{{1}, {0}}));
  EXPECT_EQ(fixture.log().end_offset_for_epoch({6}), (storage::EpochEnd{{-1}, {-1}}));
  EXPECT_EQ(fixture.log().epoch_at({2}), LeaderEpoch{2});
  EXPECT_EQ(fixture.log().epoch_at({3}), LeaderEpoch{5});
}

TEST(LogEpochs, SurviveARestartWithAndWithoutTheirFile) {
  LogFixture fixture;
  fixture.append(BatchSpec{.records = 3, .epoch = {2}});
  fixture.append(BatchSpec{.records = 4, .epoch = {5}});

  fixture.restart();
  const storage::EpochEnd by_file = fixture.log().end_offset_for_epoch({3});
  fixture.disk().set_contents(LogFixture::path("leader-epoch-checkpoint"), {std::byte{'x'}});
  fixture.restart();
  const storage::EpochEnd by_batches = fixture.log().end_offset_for_epoch({3});

  EXPECT_EQ(by_file, (storage::EpochEnd{{2}, {3}}));
  EXPECT_EQ(by_batches, by_file);
}

TEST(LogIdle, NeitherReadsNorOpensNorKeepsMuch) {
  LogFixture fixture;
  fixture.append();
  ASSERT_TRUE(fixture.sync());
  fixture.log().close();
  const storage::RecoveryPoint point = fixture.log().recovery_state();
  fixture.drop();
  const int open_before = fixture.disk().open_files();
  std::vector<std::unique_ptr<Log>> logs;
  const std::size_t calls = fixture.faults().calls();

  std::size_t memory = 0;
  for (int i = 0; i < 10'000; ++i) {
    logs.push_back(*Log::open(fixture.place(), {}, {.identity = kIdentity, .recovery = {point, false, true}}, fixture.report()));
    memory += logs.back()->memory_bytes();
    ASSERT_TRUE(logs.back()->read({.from = {1}, .limit = {1}, .max_bytes = 100})->empty());
  }

  EXPECT_EQ(fixture.disk().open_files(), open_before);
  EXPECT_EQ(fixture.faults().calls() - calls,
            20'000U);  // Two stats each after a clean stop: the last file, and that there is none behind it.
  EXPECT_LT(memory / 10'000, 3072U);
}

TEST(LogIdle, ReleasesFilesAndMemoryAndComesBack) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 30; ++i) fixture.append();
  const BatchBytes stored = fixture.read_all({0});
  EXPECT_FALSE(fixture.log().release());
  ASSERT_TRUE(fixture.sync());

  const bool released = fixture.log().release();

  EXPECT_TRUE(released);
  EXPECT_EQ(fixture.disk().open_files(), 0);
  EXPECT_LT(fixture.log().memory_bytes(), 1000U);
  EXPECT_EQ(fixture.append(), Offset{31});
  EXPECT_EQ(fixture.read_all({0}).size(), stored.size() + make_batch({30}).size());
}

TEST(LogMemory, ALogThatNobodyUsedForAWhileLetsGoOfItsFile) {
  LogFixture fixture;
  fixture.append();
  ASSERT_TRUE(fixture.sync());

  fixture.log().release_unused();
  const bool was_kept_at_first = fixture.log().is_loaded();
  fixture.log().release_unused();

  EXPECT_TRUE(was_kept_at_first);
  EXPECT_FALSE(fixture.log().is_loaded());
  EXPECT_EQ(fixture.disk().open_files(), 0);
  fixture.append();
  fixture.log().release_unused();
  fixture.log().release_unused();
  EXPECT_TRUE(fixture.log().is_loaded()) << "it has bytes that are not synced";
}

TEST(LogSync, ARoundThatEndsAfterItsLogWentOfflineCounts) {
  LogFixture fixture;
  fixture.append();
  const storage::SyncTicket ticket = fixture.log().begin_sync(storage::SyncMeans::journal);
  fixture.log().take_offline("a write failed meanwhile");

  fixture.log().finish_sync(ticket);

  EXPECT_EQ(fixture.log().durable_end(), Offset{1}) << "it was acknowledged, and the journal has it";
  EXPECT_EQ(fixture.log().synced_end(), Offset{0});
}

TEST(LogSync, TellsWhatTheManifestDoesNotKnowYet) {
  LogFixture fixture;
  fixture.append();
  EXPECT_EQ(fixture.log().unlisted_bytes(), 0U) << "it is not synced";
  ASSERT_TRUE(fixture.sync());
  EXPECT_EQ(fixture.log().unlisted_bytes(), make_batch({0}).size());
  static_cast<void>(fixture.log().recovery_state());
  fixture.log().manifest_written();
  EXPECT_EQ(fixture.log().unlisted_bytes(), 0U);
}

TEST(LogMemory, KeepsAtMostTwoSegmentsOpen) {
  LogFixture fixture(small_segments());
  for (int i = 0; i < 100; ++i) fixture.append();
  ASSERT_TRUE(fixture.sync());

  fixture.read_all({0});

  EXPECT_LE(fixture.disk().open_files(), 2);
}

}  // namespace
}  // namespace tidelog::testing
