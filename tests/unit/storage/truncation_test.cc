// What a log that was cut back is: in each respect as if what went had never been there.
#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/segment_writer.h"
#include "storage/log/file_names.h"
#include "tests/unit/storage/truncated_log.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::DamagedRange;
using storage::Log;
using storage::SyncMeans;
using storage::SyncTicket;
using storage::TruncationEnd;
using storage::TruncationName;

constexpr int kBatches = 40;

/// Where each batch begins, and the end.
std::vector<Offset> boundaries() {
  std::vector<Offset> bases{Offset{0}};
  for (int number = 0; number < kBatches; ++number) bases.push_back(bases.back() + TruncatedLog::spec(number).records);
  return bases;
}

/// As carried out by an owner that has nothing else to do.
void carry_out(TruncatedLog& log) {
  const TruncationEnd end = storage::carry_out_truncation(log.fixture().place(), *log.log().pending_truncation());
  ASSERT_EQ(end, TruncationEnd::done);
  log.log().end_truncation(end);
}

TEST(Truncation, EndsWhereTheBatchBeginsThatHoldsTheOffset) {
  const std::vector<Offset> bases = boundaries();
  for (int number = 0; number < kBatches; ++number) {
    for (Offset to = bases[number]; to < bases[number + 1]; ++to) {
      SCOPED_TRACE("to offset " + std::to_string(to.value));
      TruncatedLog log;
      log.fill(0, kBatches);
      ASSERT_TRUE(log.checkpoint());
      const LogReading expected = cut_reading(read_as_client(log.log()), bases[number]);

      ASSERT_TRUE(log.truncate(to));

      ASSERT_EQ(log.log().end_offset(), bases[number]);
      ASSERT_EQ(read_as_client(log.log()), expected);
      ASSERT_EQ(log.log().durable_end(), bases[number]);
      ASSERT_FALSE(log.log().is_dirty());
    }
  }
}

TEST(Truncation, GoesOnWithAppendsThatAreThereAfterAnyRestart) {
  const std::vector<Offset> bases = boundaries();
  for (int number = 0; number < kBatches; number += 3) {
    for (const bool with_power_loss : {false, true}) {
      SCOPED_TRACE("batch " + std::to_string(number));
      TruncatedLog log;
      log.fill(0, kBatches);
      ASSERT_TRUE(log.checkpoint());
      ASSERT_TRUE(log.truncate(bases[number]));
      for (int i = 0; i < 9; ++i) ASSERT_NE(log.fixture().append({.value_bytes = 30, .epoch = {number / 12 + 1}}), Offset{-1});
      ASSERT_TRUE(log.fixture().sync());
      const LogReading expected = read_as_client(log.log());

      ASSERT_TRUE(log.restart_after_crash(with_power_loss));

      ASSERT_EQ(expected.end, bases[number] + 9);
      ASSERT_EQ(read_as_client(log.log()), expected);
      ASSERT_EQ(log.fixture().report().bytes_cut, 0U);
      ASSERT_TRUE(log.log().damage().empty());
    }
  }
}

TEST(Truncation, AtTheEndOrBehindItIsNone) {
  TruncatedLog log;
  log.fill(0, 7);
  ASSERT_TRUE(log.checkpoint());
  const std::vector<std::string> names = log.disk().names(kLogDirectory);
  const Offset end = log.log().end_offset();

  EXPECT_TRUE(log.truncate(end));
  EXPECT_TRUE(log.truncate(end + 5));

  EXPECT_FALSE(log.log().pending_truncation());
  EXPECT_EQ(log.disk().names(kLogDirectory), names);
  EXPECT_EQ(log.fixture().append(), end + 1);
}

TEST(Truncation, IsRefusedBelowTheLogStart) {
  TruncatedLog log;
  log.fill(0, 9);
  ASSERT_EQ(boundaries()[5], Offset{9});
  ASSERT_TRUE(log.log().advance_log_start({10}));  // In the batch of offsets 9 to 11.
  ASSERT_TRUE(log.checkpoint());

  EXPECT_EQ(log.truncate({8}).error(), Errc::out_of_range);
  EXPECT_EQ(log.truncate({11}).error(), Errc::out_of_range) << "its batch begins below";

  EXPECT_FALSE(log.log().pending_truncation());
  EXPECT_NE(log.fixture().append(), Offset{-1});
  EXPECT_TRUE(log.truncate({12}));
  EXPECT_EQ(log.log().end_offset(), Offset{12});
  EXPECT_EQ(log.log().log_start_offset(), Offset{10});
}

TEST(Truncation, ToTheLogStartLeavesALogWithoutRecords) {
  TruncatedLog log;
  log.fill(0, 30);
  ASSERT_TRUE(log.checkpoint());
  ASSERT_TRUE(log.truncate({0}));

  ASSERT_TRUE(log.restart_after_crash(true));

  EXPECT_EQ(log.log().log_start_offset(), Offset{0});
  EXPECT_EQ(log.log().end_offset(), Offset{0});
  EXPECT_EQ(*log.log().size_bytes(), 0U);
  log.fill(0, 3);
  EXPECT_EQ(log.log().end_offset(), boundaries()[3]);
}

TEST(Truncation, WaitsUntilAllOfTheLogIsSyncedInItsFiles) {
  TruncatedLog log;
  log.fill(0, 9);

  EXPECT_EQ(log.log().begin_truncation({3}).error(), Errc::busy) << "it is dirty";
  SyncTicket journaled = log.log().begin_sync(SyncMeans::journal);
  log.log().finish_sync(journaled);
  ASSERT_EQ(log.log().durable_end(), log.log().end_offset());
  EXPECT_EQ(log.log().begin_truncation({3}).error(), Errc::busy) << "only the journal has it";
  const SyncTicket first = log.log().begin_sync();
  const SyncTicket second = log.log().begin_sync();
  ASSERT_TRUE(first.sync(log.fixture().faults()));
  log.log().finish_sync(first);
  EXPECT_FALSE(log.log().is_dirty());
  EXPECT_EQ(log.log().begin_truncation({3}).error(), Errc::busy) << "a round of it is under way";
  log.log().finish_sync(second);
  EXPECT_TRUE(log.log().begin_truncation({3}));
  EXPECT_EQ(log.log().begin_truncation({1}).error(), Errc::busy) << "one is enough";
}

TEST(Truncation, KeepsTheLogFromChangingUntilItIsCarriedOut) {
  TruncatedLog log;
  log.fill(0, 30);
  ASSERT_TRUE(log.checkpoint());
  const LogReading expected = cut_reading(read_as_client(log.log()), boundaries()[20]);
  ASSERT_TRUE(log.log().begin_truncation(boundaries()[20]));
  const std::vector<std::string> names = log.disk().names(kLogDirectory);

  EXPECT_EQ(log.fixture().append(), Offset{-1});
  EXPECT_TRUE(log.log().checkpoint());
  EXPECT_EQ(*log.log().delete_old_segments({INT64_MAX / 2}, log.log().end_offset()), 0U);
  EXPECT_EQ(*log.log().remove_segments_below_start(), 0U);
  EXPECT_TRUE(log.log().compaction_facts(log.log().end_offset())->segments.empty());
  EXPECT_FALSE(log.log().release());

  EXPECT_EQ(log.disk().names(kLogDirectory), names);
  EXPECT_EQ(read_as_client(log.log()), expected) << "it reads as cut back from the beginning";
  carry_out(log);
  EXPECT_EQ(read_as_client(log.log()), expected);
  EXPECT_NE(log.fixture().append({.epoch = {9}}), Offset{-1});
}

/// Until it is carried out, a crash leaves all of the log.
TEST(Truncation, ThatOnlyBeganIsForgottenByARestart) {
  for (const bool with_power_loss : {false, true}) {
    TruncatedLog log;
    log.fill(0, 30);
    ASSERT_TRUE(log.checkpoint());
    const LogReading all = read_as_client(log.log());
    ASSERT_TRUE(log.log().begin_truncation(boundaries()[10]));
    ASSERT_TRUE(log.save_manifest());

    ASSERT_TRUE(log.restart_after_crash(with_power_loss));

    EXPECT_EQ(read_as_client(log.log()), all);
    EXPECT_NE(log.fixture().append({.epoch = {9}}), Offset{-1});
  }
}

/// In a clean manifest, too, if that says that not all was in order.
TEST(Truncation, ThatIsNotOverAtACleanStopIsCarriedOutByTheNextStart) {
  TruncatedLog log;
  log.fill(0, 30);
  ASSERT_TRUE(log.checkpoint());
  const Offset to = boundaries()[18];
  const LogReading expected = cut_reading(read_as_client(log.log()), to);
  const TruncationName cut = **log.log().begin_truncation(to);
  // It was begun, and so far that the file of the recovery point ends where the manifest says.
  ASSERT_TRUE(log.disk().open(storage::truncation_file(kLogDirectory, cut), storage::OpenMode::create));
  const auto segment = *log.disk().open(storage::offset_file(kLogDirectory, cut.segment, ".log"), storage::OpenMode::write);
  ASSERT_TRUE(segment->truncate(cut.position));
  const storage::RecoveryPoint known = log.log().recovery_state();

  log.fixture().reopen_after({.known = known, .was_clean = true, .had_damage = true});

  EXPECT_EQ(read_as_client(log.log()), expected);
  EXPECT_FALSE(log.has_file(".truncation"));
  EXPECT_NE(log.fixture().append({.epoch = {9}}), Offset{-1});
}

// What is kept beside the batches

TEST(Truncation, LeavesTheProducersThatTheRestOfTheLogKnows) {
  const std::vector<Offset> bases = boundaries();
  for (int number = 1; number < kBatches; number += 2) {
    TruncatedLog reference;
    reference.fill(0, number);
    TruncatedLog log;
    log.fill(0, kBatches);
    ASSERT_TRUE(log.checkpoint());
    ASSERT_TRUE(log.has_file(".snapshot"));

    ASSERT_TRUE(log.truncate(bases[number]));

    ASSERT_EQ(log.producers(), reference.producers()) << "up to batch " << number;
    ASSERT_TRUE(log.restart_after_crash(number % 4 == 1));
    ASSERT_EQ(log.producers(), reference.producers()) << "up to batch " << number << ", after a restart";
  }
}

/// R5: else a retry would be a duplicate of nothing.
TEST(Truncation, ABatchThatWentIsNoDuplicateWhenItComesAgain) {
  TruncatedLog log;
  log.fill(0, 21);
  ASSERT_TRUE(log.checkpoint());
  const BatchBytes again = make_batch(boundaries()[20], TruncatedLog::spec(20));
  const storage::BatchHeader header = *storage::parse_batch_header(again);
  ASSERT_EQ(log.log().producers().check_and_stage(header, log.log().end_offset()).verdict, storage::ProducerVerdict::duplicate);

  ASSERT_TRUE(log.truncate(boundaries()[20]));

  EXPECT_NE(log.log().producers().check_and_stage(header, log.log().end_offset()).verdict, storage::ProducerVerdict::duplicate);
}

TEST(Truncation, LeavesTheEpochsOfWhatIsLeft) {
  const std::vector<Offset> bases = boundaries();
  for (int number = 1; number < kBatches; ++number) {
    TruncatedLog reference;
    reference.fill(0, number);
    TruncatedLog log;
    log.fill(0, kBatches);
    ASSERT_TRUE(log.checkpoint());

    ASSERT_TRUE(log.truncate(bases[number]));

    ASSERT_EQ(log.epochs(), reference.epochs()) << "up to batch " << number;
    // The file on disk is the old one still.
    ASSERT_TRUE(log.restart_after_crash(number % 2 == 0));
    ASSERT_EQ(log.epochs(), reference.epochs()) << "up to batch " << number << ", after a restart";
  }
}

/// Another leader's epoch may begin where one that is gone had begun, or before.
TEST(Truncation, TheFileOfEpochsFollowsBeforeTheRecoveryPointMovesOn) {
  TruncatedLog log;
  log.fill(0, 36);
  ASSERT_TRUE(log.checkpoint());
  ASSERT_TRUE(log.truncate(boundaries()[18]));
  ASSERT_EQ(log.log().latest_epoch(), LeaderEpoch{1});
  ASSERT_NE(log.fixture().append({.epoch = {7}}), Offset{-1});

  ASSERT_TRUE(log.checkpoint());
  ASSERT_TRUE(log.restart_after_crash(true));

  EXPECT_EQ(log.log().latest_epoch(), LeaderEpoch{7});
  EXPECT_EQ(log.log().end_offset_for_epoch({6}), (storage::EpochEnd{{1}, boundaries()[18]}));
}

/// Overwrites a byte of the batch at `base`.
void damage(TruncatedLog& log, Offset base) {
  const Result<storage::Slice> slice = log.log().read({.from = base, .limit = log.log().end_offset(), .max_bytes = 1});
  ASSERT_TRUE(slice && !slice->empty());
  std::string segment;
  for (const std::string& name : log.disk().names(kLogDirectory)) {
    const std::optional<Offset> begin = storage::parse_offset_file(name, storage::kLogSuffix);
    if (begin && *begin <= base) segment = LogFixture::path(name);  // In order.
  }
  BatchBytes bytes = log.disk().contents(segment);
  ASSERT_EQ(storage::parse_batch_header(Bytes(bytes).subspan(slice->position))->base_offset, base);
  bytes[slice->position + proto::kBatchHeaderBytes + 3] ^= std::byte{1};
  log.disk().set_contents(segment, bytes);
}

/// A log in which two batches are known to be damaged.
class Damaged {
 public:
  Damaged() {
    log.fill(0, kBatches);
    EXPECT_TRUE(log.checkpoint());
    damage(log, bases[5]);
    damage(log, bases[25]);
    const storage::RecoveryPoint known = *log.log().in_manifest();
    log.fixture().reopen(known, true);
    EXPECT_EQ(log.log().damage().ranges().size(), 2U);
  }
  std::vector<Offset> bases = boundaries();
  TruncatedLog log;
};

/// Offsets are given out again, and what is written at them is not damaged: also not after a restart that reads what the file says of them.
TEST(Truncation, ForgetsTheDamageThatWent) {
  for (const bool with_power_loss : {false, true}) {
    Damaged damaged;
    TruncatedLog& log = damaged.log;
    ASSERT_TRUE(log.truncate(damaged.bases[20]));
    for (int i = 0; i < 30; ++i) ASSERT_NE(log.fixture().append({.epoch = {5}}), Offset{-1});
    ASSERT_TRUE(log.checkpoint());
    const LogReading before = read_as_client(log.log());

    ASSERT_TRUE(log.restart_after_crash(with_power_loss));

    ASSERT_EQ(log.log().damage().ranges().size(), 1U);
    EXPECT_EQ(log.log().damage().ranges().front().from, damaged.bases[5]);
    EXPECT_EQ(read_as_client(log.log()), before);
    EXPECT_EQ(before.refused.size(), static_cast<std::size_t>(TruncatedLog::spec(5).records));
  }
}

TEST(Truncation, IntoDamageEndsWhereThatBegins) {
  Damaged damaged;
  TruncatedLog& log = damaged.log;
  ASSERT_EQ(TruncatedLog::spec(25).records, 2);

  ASSERT_TRUE(log.truncate(damaged.bases[25] + 1));

  EXPECT_EQ(log.log().end_offset(), damaged.bases[25]);
  EXPECT_EQ(log.log().damage().ranges().size(), 1U);
  EXPECT_NE(log.fixture().append({.epoch = {5}}), Offset{-1});
  ASSERT_TRUE(log.fixture().sync());
  ASSERT_TRUE(log.restart_after_crash(true));
  EXPECT_EQ(log.log().end_offset(), damaged.bases[25] + 1);
  EXPECT_EQ(log.log().damage().ranges().size(), 1U);
}

TEST(Truncation, WhatIsWrittenAnewCountsAsNotCompacted) {
  TruncatedLog log;
  log.fill(0, kBatches);
  ASSERT_TRUE(log.checkpoint());
  const Offset cut = boundaries()[20];
  for (const Offset cleaned : {log.log().end_offset(), boundaries()[10]}) {
    ASSERT_TRUE(storage::write_cleaner_checkpoint(log.fixture().place(), {.offset = cleaned, .earliest_horizon = {77}}));
    log.log().set_cleaned({.offset = cleaned, .earliest_horizon = {77}});

    ASSERT_TRUE(log.truncate(cut));

    const storage::CleanedUpTo expected{.offset = std::min(cleaned, cut), .earliest_horizon = {77}};
    EXPECT_EQ(log.log().compaction_facts(cut)->cleaned, expected);
    EXPECT_EQ(storage::read_cleaner_checkpoint(log.fixture().place()), expected);
    for (int i = 0; i < 20; ++i) ASSERT_NE(log.fixture().append({.epoch = {5}}), Offset{-1});
    ASSERT_TRUE(log.checkpoint());
  }
}

// What began before it

/// Segments of the same names and sizes as before hold something else.
TEST(Truncation, ACompactionThatBeganBeforeIsRefused) {
  TruncatedLog log;
  log.fill(0, kBatches);
  ASSERT_TRUE(log.checkpoint());
  const storage::LogFacts before = *log.log().compaction_facts(log.log().end_offset());
  ASSERT_GT(before.segments.size(), 3U);
  const std::size_t last = before.segments.size() - 1;
  const auto swap_last = [&](const storage::LogFacts& facts) {
    const storage::SegmentFacts& replaced = facts.segments.at(last);
    return log.log().begin_swap({.swap = {replaced.base, replaced.end}, .replaces = {replaced}, .file = {}, .index = {}});
  };
  const std::vector<Offset> bases = boundaries();
  const auto at = std::ranges::find(bases, before.segments[last].base) - bases.begin();
  ASSERT_TRUE(log.truncate(before.segments[last].base));
  log.fill(static_cast<int>(at), kBatches);
  ASSERT_TRUE(log.checkpoint());
  const storage::LogFacts after = *log.log().compaction_facts(log.log().end_offset());
  ASSERT_EQ(after.segments[last].base, before.segments[last].base);
  ASSERT_EQ(after.segments[last].size_bytes, before.segments[last].size_bytes);

  EXPECT_EQ(swap_last(before).error(), Errc::invalid);
  EXPECT_EQ(swap_last(after).error(), Errc::not_found) << "refused for no other reason than that nothing was written";
}

TEST(Truncation, WhatAScrubFindsThatBeganBeforeIsNotBelieved) {
  TruncatedLog log;
  log.fill(0, kBatches);
  ASSERT_TRUE(log.checkpoint());
  const Offset from = boundaries()[20];
  const Result<std::optional<storage::ScrubPiece>> piece = log.log().piece_to_scrub(from);
  ASSERT_TRUE(piece && *piece);
  const DamagedRange found{.from = from, .to = from + 1, .segment_base = (*piece)->base, .position = 0, .end_position = 10};

  ASSERT_TRUE(log.truncate(from));
  log.fill(20, kBatches);

  EXPECT_TRUE(log.log().note_damage(**piece, {&found, 1}).empty());
  EXPECT_TRUE(log.log().damage().empty());
}

/// R13: who was promised more than is left notices.
TEST(Truncation, ASliceOfWhatWentComesUpShortAndNeverHoldsWhatCameAfter) {
  TruncatedLog log(storage::LogConfig{});
  log.fill(0, 10);
  ASSERT_TRUE(log.checkpoint());
  const Offset cut = boundaries()[4];
  const Result<storage::Slice> slice = log.log().read({.from = cut, .limit = log.log().end_offset(), .max_bytes = 1U << 20});
  ASSERT_TRUE(slice && !slice->empty());

  ASSERT_TRUE(log.truncate(cut));
  log.fill(4, 10);

  BatchBytes bytes(slice->size_bytes);
  EXPECT_EQ(*slice->file->read_at(slice->position, bytes), 0U);
}

// The manifest

TEST(Truncation, NeedsAManifestIfRecoveryWouldBeginAboveIt) {
  const std::vector<Offset> bases = boundaries();
  TruncatedLog log;
  log.fill(0, 10);
  ASSERT_TRUE(log.fixture().sync());
  EXPECT_FALSE(log.log().truncation_needs_manifest()) << "there is no truncation";
  ASSERT_TRUE(log.log().begin_truncation(bases[9]));
  EXPECT_FALSE(log.log().truncation_needs_manifest()) << "no manifest knows the log";
  carry_out(log);

  ASSERT_TRUE(log.checkpoint());  // At batch 9.
  log.fill(9, 20);
  ASSERT_TRUE(log.fixture().sync());
  ASSERT_TRUE(log.log().begin_truncation(bases[15]));
  EXPECT_FALSE(log.log().truncation_needs_manifest()) << "recovery begins below";
  carry_out(log);

  static_cast<void>(log.log().recovery_state());  // One that is being written, and may be on disk by now.
  ASSERT_TRUE(log.log().begin_truncation(bases[12]));
  EXPECT_TRUE(log.log().truncation_needs_manifest());
  log.log().manifest_written();
  EXPECT_TRUE(log.log().truncation_needs_manifest()) << "that was the old one";
  ASSERT_TRUE(log.save_manifest());
  EXPECT_FALSE(log.log().truncation_needs_manifest());
  carry_out(log);
  EXPECT_EQ(log.log().end_offset(), bases[12]);
}

/// What the rule is for: recovery would take what went for lost, and appends would go on behind a hole.
TEST(Truncation, WithoutThatManifestALogWouldComeBackWithAHole) {
  TruncatedLog log;
  log.fill(0, 30);
  ASSERT_TRUE(log.checkpoint());
  ASSERT_TRUE(log.log().begin_truncation(boundaries()[10]));
  ASSERT_TRUE(log.log().truncation_needs_manifest());
  carry_out(log);  // Too early.

  ASSERT_TRUE(log.restart_after_crash(true));

  EXPECT_EQ(log.log().end_offset(), boundaries()[30]);
  EXPECT_FALSE(log.log().damage().empty());
}

// The mutant that writes over what was cut

/// What the rule is for: A B1 B2 is cut behind A, C is written where B1 was and just as long, and the cut is not on disk when power fails.
TEST(InPlaceTruncation, WouldLeaveAFileThatReadsNewAndOldBatches) {
  const BatchBytes a = make_batch({0}), b1 = make_batch({1}), b2 = make_batch({2}), c = make_batch({1}, {.timestamps = {2000}});
  ASSERT_EQ(c.size(), b1.size());
  BatchBytes file = a;
  for (const BatchBytes* batch : {&c, &b2}) file.insert(file.end(), batch->begin(), batch->end());
  LogFixture fixture;
  fixture.drop();
  fixture.disk().set_contents(LogFixture::path("00000000000000000000.log"), file);

  fixture.reopen(storage::RecoveryPoint{});

  EXPECT_EQ(fixture.log().end_offset(), Offset{3}) << "B2 passes for a batch behind C: nothing tells";
  EXPECT_TRUE(fixture.log().damage().empty());
}

TEST(InPlaceTruncation, IsNone) {
  TruncatedLog log(storage::LogConfig{});
  for (int i = 0; i < 3; ++i) ASSERT_NE(log.fixture().append(), Offset{-1});
  ASSERT_TRUE(log.checkpoint());
  const BatchBytes a = make_batch({0});
  ASSERT_TRUE(log.truncate({1}));

  ASSERT_EQ(log.fixture().append({.timestamps = {2000}}), Offset{2});

  EXPECT_EQ(log.disk().contents(LogFixture::path("00000000000000000000.log")), a);
  EXPECT_EQ(log.disk().contents(LogFixture::path("00000000000000000001.log")), make_batch({1}, {.timestamps = {2000}}));
}

}  // namespace
}  // namespace tidelog::testing
