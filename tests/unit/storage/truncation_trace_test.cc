// What a truncation does to the disk, in which order: see file_trace_test.cc.
#include "tests/support/clean_log.h"
#include "tests/unit/storage/traced_log.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::Log;
using storage::RecoveryPoint;
using storage::SyncTicket;

/// Rules: all of the log is synced and the manifest has recovery begin at or below the cut before anything goes. Then the name that says
/// where to cut is made durable: until it is, the log comes back whole, and from then on cut. Later segments go last first; the cut is
/// synced; and all names are gone for good before a segment takes the name of the cut, in which no byte stands where another one stood: a
/// segment that came back would go on where the new ones end.
TEST(FileTrace, ATruncationCutsOneSegmentAndBeginsANewOne) {
  TracedDisk disk;
  TracedLog log(disk);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log.append(2));
  log.round();
  ASSERT_TRUE(log.log().checkpoint());
  write_manifest(disk, {&log});
  static_cast<void>(disk.files.take());

  const Result<std::optional<storage::TruncationName>> cut = log.log().begin_truncation({3});
  ASSERT_TRUE(cut && *cut);
  EXPECT_EQ(disk.files.take(), "");
  ASSERT_TRUE(log.log().truncation_needs_manifest());
  write_manifest(disk, {&log});
  const storage::TruncationEnd end = carry_out_truncation(log.place(), **cut);
  log.log().end_truncation(end);

  EXPECT_EQ(disk.files.take(), R"(
create manifest.tmp
write manifest.tmp 0+132
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
create 0003-0002-0088.truncation
sync-dir topic-0
remove 0006.index
remove 0006.timeindex
rename 0006.log 0006.log.deleted
remove 0004.index
remove 0004.timeindex
rename 0004.log 0004.log.deleted
remove 0004.snapshot
remove 0006.snapshot
remove 0008.snapshot
remove 0002.index
remove 0002.timeindex
truncate 0002.log 88
sync 0002.log
sync-dir topic-0
rename 0003-0002-0088.truncation 0003.log
sync-dir topic-0
remove 0004.log.deleted
remove 0006.log.deleted
)");
  EXPECT_EQ(end, storage::TruncationEnd::done);

  ASSERT_TRUE(log.append());
  log.round();

  EXPECT_EQ(disk.files.take(), R"(
write 0003.log 0+88
sync 0003.log
)");
}

/// Rule: where a segment begins at the cut, the one before is synced as it is, and the new segment takes the old one's name in one step.
TEST(FileTrace, ATruncationBetweenSegmentsReplacesTheLaterOne) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append(2));
  ASSERT_TRUE(log.append(1));
  log.round();
  static_cast<void>(disk.files.take());

  const Result<std::optional<storage::TruncationName>> cut = log.log().begin_truncation({2});
  ASSERT_TRUE(cut && *cut);
  ASSERT_FALSE(log.log().truncation_needs_manifest());
  log.log().end_truncation(carry_out_truncation(log.place(), **cut));

  EXPECT_EQ(disk.files.take(), R"(
create 0002-0000-0176.truncation
sync-dir topic-0
remove 0000.index
remove 0000.timeindex
sync 0000.log
sync-dir topic-0
rename 0002-0000-0176.truncation 0002.log
sync-dir topic-0
)");
}

/// Rule: what says that offsets are damaged, or compacted, is right before offsets are given out again. The first is synced, because it
/// would hide what is written there; what power loss makes of the second only has more be compacted.
TEST(FileTrace, ATruncationForgetsWhatWasKnownOfWhatGoes) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append(2));
  log.round();
  storage::Damage damage;
  ASSERT_TRUE(damage.add({.from = {1}, .to = {2}, .segment_base = {0}, .position = kBatchBytes, .end_position = 2 * kBatchBytes}));
  ASSERT_TRUE(replace_file(disk.files, log.path("damaged-ranges"), damage.encode()));
  ASSERT_TRUE(write_cleaner_checkpoint(log.place(), {.offset = {2}}));
  const Result<std::optional<storage::TruncationName>> cut = log.log().begin_truncation({1});
  ASSERT_TRUE(cut && *cut);
  static_cast<void>(disk.files.take());

  ASSERT_EQ(carry_out_truncation(log.place(), **cut), storage::TruncationEnd::done);

  EXPECT_EQ(disk.files.take(), R"(
create 0001-0000-0088.truncation
sync-dir topic-0
truncate 0000.log 88
sync 0000.log
create damaged-ranges.tmp
write damaged-ranges.tmp 0+4
sync damaged-ranges.tmp
rename damaged-ranges.tmp damaged-ranges
create cleaner-checkpoint.tmp
write cleaner-checkpoint.tmp 0+7
rename cleaner-checkpoint.tmp cleaner-checkpoint
sync-dir topic-0
rename 0001-0000-0088.truncation 0001.log
sync-dir topic-0
)");
}

/// Rule: a truncation that a crash cut short is carried out by whoever opens the log, before anything is read of it. It syncs even what it
/// finds done: whoever did it may have died before it was on disk.
TEST(FileTrace, RecoveryCarriesOutATruncationFirst) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append(2));
  log.round();
  const Result<std::optional<storage::TruncationName>> cut = log.log().begin_truncation({1});
  ASSERT_TRUE(cut && *cut);
  disk.faults.fail_call(13);  // The second sync of the directory: the segment is cut, and the name says so still.
  ASSERT_NE(carry_out_truncation(log.place(), **cut), storage::TruncationEnd::done);
  disk.faults.heal();
  ASSERT_EQ(disk.files.take().find("rename 0001-0000-0088.truncation"), std::string::npos);

  log.reopen({.known = RecoveryPoint{}});

  const std::string trace = disk.files.take();
  EXPECT_EQ(trace.substr(0, trace.find("rename")), R"(
sync-dir topic-0
sync 0000.log
sync-dir topic-0
)");
  EXPECT_EQ(log.log().end_offset(), Offset{1});
}

}  // namespace
}  // namespace tidelog::testing
