// What is done to the disk, in which order, syncs included. Every order keeps a rule that a crash would break without it: the sentence
// above a test says which. A trace that changes is a promise that changes.
#include "tests/support/clean_log.h"
#include "tests/unit/storage/traced_log.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::Log;
using storage::RecoveryPoint;
using storage::SyncTicket;

// Creating

/// Rule: make the directory, write `partition.metadata`, sync it, its directory and the parent; only then appends. A log that is
/// acknowledges anything has its name and its id for good.
TEST(FileTrace, ALogIsDurableBeforeItTakesAnything) {
  TracedDisk disk;

  const TracedLog log(disk);

  EXPECT_EQ(disk.files.take(), R"(
mkdir topic-0
create partition.metadata
write partition.metadata 0+69
sync partition.metadata
sync-dir topic-0
sync-dir disk
)");
}

/// The same rule for many logs at once: one sync of the whole disk stands for all of theirs, before any of them is used.
TEST(FileTrace, LogsThatAreMadeTogetherShareOneSync) {
  TracedDisk disk;
  for (const char* directory : {"disk/a-0", "disk/b-0"}) {
    ASSERT_TRUE(Log::create({&disk.files, directory}, kIdentity, {}, storage::CreateSync::by_caller));
  }
  ASSERT_TRUE(disk.files.sync_disk(kTracedDisk));

  EXPECT_EQ(disk.files.take(), R"(
mkdir a-0
create partition.metadata
write partition.metadata 0+69
mkdir b-0
create partition.metadata
write partition.metadata 0+69
sync-disk disk
)");
}

/// Still that rule: a process that died between those steps leaves what only looks finished, so whoever opens it takes the last ones again.
TEST(FileTrace, ALogThatTheManifestDoesNotKnowIsMadeDurableWhenItIsOpened) {
  TracedDisk disk;
  TracedLog log(disk);
  static_cast<void>(disk.files.take());

  log.reopen({.known = std::nullopt});

  EXPECT_EQ(disk.files.take(), R"(
sync partition.metadata
sync-dir topic-0
sync-dir disk
)");
}

// Appending and rounds

/// Rules: the first round that covers a new segment file syncs its directory, too; epochs below the recovery point are not read again from
/// the batches, so their file is made durable in the same round.
TEST(FileTrace, TheFirstRoundSyncsBytesEpochsAndNames) {
  TracedDisk disk;
  TracedLog log(disk);
  static_cast<void>(disk.files.take());

  ASSERT_TRUE(log.append());
  log.round();

  EXPECT_EQ(disk.files.take(), R"(
create 0000.log
write 0000.log 0+88
create leader-epoch-checkpoint.tmp
write leader-epoch-checkpoint.tmp 0+8
rename leader-epoch-checkpoint.tmp leader-epoch-checkpoint
sync 0000.log
sync leader-epoch-checkpoint
sync-dir topic-0
)");
}

/// I1: the durable end moves only after a sync that began after the bytes were handed over. What is written behind `begin_sync` is not
/// covered, though this very sync may have taken it along.
TEST(FileTrace, ARoundCoversWhatWasWrittenBeforeItBegan) {
  TracedDisk disk;
  TracedLog log(disk, "topic-0", storage::LogConfig{});
  ASSERT_TRUE(log.append());
  log.round();
  static_cast<void>(disk.files.take());

  ASSERT_TRUE(log.append());
  const SyncTicket ticket = log.log().begin_sync();
  ASSERT_TRUE(log.append());
  ASSERT_TRUE(ticket.sync(disk.files));
  log.log().finish_sync(ticket);

  EXPECT_EQ(disk.files.take(), R"(
write 0000.log 88+88
write 0000.log 176+88
sync 0000.log
)");
  EXPECT_EQ(log.log().durable_end(), Offset{2});
}

/// Rule: a roll waits for nothing. What it writes beside the new segment can be built again, and is not synced.
TEST(FileTrace, ARollSyncsNothing) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append(2));
  log.round();
  static_cast<void>(disk.files.take());

  ASSERT_TRUE(log.append());

  EXPECT_EQ(disk.files.take(), R"(
create 0002.log
create 0000.index.tmp
write 0000.index.tmp 0+8
rename 0000.index.tmp 0000.index
create 0000.timeindex.tmp
write 0000.timeindex.tmp 0+24
rename 0000.timeindex.tmp 0000.timeindex
create 0002.snapshot.tmp
write 0002.snapshot.tmp 0+10
rename 0002.snapshot.tmp 0002.snapshot
write 0002.log 0+88
)");
}

/// Rule: a round syncs every file that holds bytes above the recovery point, the one before a roll too, and the directory that got a file.
/// Without the first of these syncs an acknowledged batch could be lost from the middle of the log.
TEST(FileTrace, TheRoundAfterARollSyncsTheFileBeforeItToo) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  ASSERT_TRUE(log.append());
  ASSERT_TRUE(log.append());
  static_cast<void>(disk.files.take());

  log.round();

  EXPECT_EQ(disk.files.take(), R"(
sync 0000.log
sync 0002.log
sync-dir topic-0
)");
}

TEST(FileTrace, TheRoundAfterARollLeavesASyncedFileAlone) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append(2));
  log.round();
  ASSERT_TRUE(log.append());
  static_cast<void>(disk.files.take());

  log.round();

  EXPECT_EQ(disk.files.take(), R"(
sync 0002.log
sync-dir topic-0
)");
}

/// Rules: a write that failed is cut back, and nothing else changes (I3: nobody saw it); the cut is durable before what follows it is
/// acknowledged. Were what was cut to come back between two segments, recovery would end the log there.
TEST(FileTrace, AFailedWriteIsCutBackAndTheNextRoundSyncsTheCut) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  static_cast<void>(disk.files.take());

  disk.faults.fail_writes(Errc::no_space);
  ASSERT_FALSE(log.append());
  disk.faults.heal();
  const std::string failing = disk.files.take();
  ASSERT_TRUE(log.append(2));  // Into a new segment.
  static_cast<void>(disk.files.take());
  log.round();

  EXPECT_EQ(failing, R"(
write 0000.log 88+88 failed
truncate 0000.log 88
)");
  EXPECT_EQ(disk.files.take(), R"(
sync 0000.log
sync 0001.log
sync-dir topic-0
)");
}

// Checkpoints and the manifest

/// Rule: the manifest is written beside itself, synced, renamed, and its directory synced. At each point there is an old or a new one.
TEST(FileTrace, TheManifestIsReplacedAsAWhole) {
  TracedDisk disk;
  TracedLog log(disk);
  write_manifest(disk, {&log});
  static_cast<void>(disk.files.take());

  write_manifest(disk, {&log});

  EXPECT_EQ(disk.files.take(), R"(
create manifest.tmp
write manifest.tmp 0+132
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
)");
}

/// Rule: bytes are synced before the manifest says that they are. Index and snapshot lie between, unsynced: a bad one is built again.
TEST(FileTrace, ACheckpointSyncsBeforeTheManifestSaysSo) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  ASSERT_TRUE(log.append());
  static_cast<void>(disk.files.take());

  log.round();
  ASSERT_TRUE(log.log().checkpoint());
  write_manifest(disk, {&log});

  EXPECT_EQ(disk.files.take(), R"(
sync 0000.log
create 0000.index.tmp
write 0000.index.tmp 0+8
rename 0000.index.tmp 0000.index
create 0000.timeindex.tmp
write 0000.timeindex.tmp 0+24
rename 0000.timeindex.tmp 0000.timeindex
create 0002.snapshot.tmp
write 0002.snapshot.tmp 0+10
rename 0002.snapshot.tmp 0002.snapshot
create manifest.tmp
write manifest.tmp 0+132
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
)");
}

/// Rule: the log start is durable, in the manifest, before it is answered, and only then files are renamed and removed. The names go for
/// good before the first file does, so that no old segment comes back without the one behind it.
TEST(FileTrace, SegmentsGoOnceTheManifestKnowsTheLogStart) {
  TracedDisk disk;
  TracedLog log(disk);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log.append());
  log.round();
  write_manifest(disk, {&log});
  static_cast<void>(disk.files.take());

  ASSERT_TRUE(log.log().advance_log_start({4}));
  EXPECT_EQ(*log.log().remove_segments_below_start(), 0U);
  EXPECT_EQ(disk.files.take(), "") << "the manifest on disk still names them";
  write_manifest(disk, {&log});
  EXPECT_EQ(*log.log().remove_segments_below_start(), 2U);

  EXPECT_EQ(disk.files.take(), R"(
create manifest.tmp
write manifest.tmp 0+132
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
rename 0000.log 0000.log.deleted
rename 0002.log 0002.log.deleted
sync-dir topic-0
remove 0000.log.deleted
remove 0000.index
remove 0000.timeindex
remove 0002.log.deleted
remove 0002.index
remove 0002.timeindex
)");
}

/// Rule: a clean stop is a last round, then what shortens the next start, then a manifest. That start then has nothing to write.
TEST(FileTrace, ACleanStopSyncsFirstAndTheNextStartChangesNothing) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  ASSERT_TRUE(log.append());
  static_cast<void>(disk.files.take());

  log.round();
  log.log().close();
  const RecoveryPoint point = log.log().recovery_state();
  storage::Manifest clean;
  clean.clean = true;
  write_manifest(disk, {&log}, clean);

  EXPECT_EQ(disk.files.take(), R"(
sync 0000.log
create 0000.index.tmp
write 0000.index.tmp 0+8
rename 0000.index.tmp 0000.index
create 0000.timeindex.tmp
write 0000.timeindex.tmp 0+24
rename 0000.timeindex.tmp 0000.timeindex
create 0002.snapshot.tmp
write 0002.snapshot.tmp 0+10
rename 0002.snapshot.tmp 0002.snapshot
create manifest.tmp
write manifest.tmp 0+132
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
)");
  log.reopen({.known = point, .was_clean = true});
  EXPECT_EQ(disk.files.take(), "");
}

// Compaction and deletion

BatchBytes keyed_batch(Offset base) {
  proto::BatchBuilder builder;
  const std::string key = "k", value = "v";
  builder.append({.timestamp = {1000}, .key = std::as_bytes(std::span(key)), .value = std::as_bytes(std::span(value)), .headers = {}});
  const Bytes bytes = builder.build({.base_offset = base, .leader_epoch = {0}});
  return {bytes.begin(), bytes.end()};
}

/// Rules: only what lies below the recovery point of the manifest on disk is rewritten; the new segment is whole and synced before it gets
/// a name that counts, that name is durable before an old one goes, and the old ones are gone for good before the new one takes the first
/// one's name.
TEST(FileTrace, ACompactedSegmentTakesThePlaceOfOthersStepByStep) {
  TracedDisk disk;
  storage::LogConfig config;
  config.segment_bytes = 150;
  config.index_interval_bytes = 50;
  config.compaction = {.is_on = true, .min_dirty_ratio = 0};
  TracedLog log(disk, "topic-0", config);
  for (std::int64_t i = 0; i < 5; ++i) {
    const BatchBytes batch = keyed_batch({i});
    const std::vector<Bytes> views{batch};
    ASSERT_TRUE(log.log().append(views));
  }
  log.round();
  const CleanRequest request{.now = {5000}, .limit = {5}};
  static_cast<void>(disk.files.take());

  const auto too_early = clean_once(log.log(), disk.files, request);
  ASSERT_TRUE(too_early && !too_early->has_value());
  EXPECT_EQ(disk.files.take(), "");
  write_manifest(disk, {&log});
  static_cast<void>(disk.files.take());
  const auto cleaned = clean_once(log.log(), disk.files, request);
  ASSERT_TRUE(cleaned && cleaned->has_value());

  EXPECT_EQ(disk.files.take(), R"(
create 0000.log.cleaned
write 0000.log.cleaned 0+131
sync 0000.log.cleaned
rename 0000.log.cleaned 0000-0004.swap
sync-dir topic-0
remove 0000.index
remove 0000.timeindex
remove 0002.index
remove 0002.timeindex
rename 0002.log 0002.log.deleted
sync-dir topic-0
rename 0000-0004.swap 0000.log
sync-dir topic-0
remove 0002.log.deleted
create 0000.index.tmp
write 0000.index.tmp 0+8
rename 0000.index.tmp 0000.index
create 0000.timeindex.tmp
write 0000.timeindex.tmp 0+24
rename 0000.timeindex.tmp 0000.timeindex
create cleaner-checkpoint.tmp
write cleaner-checkpoint.tmp 0+7
rename cleaner-checkpoint.tmp cleaner-checkpoint
)");
}

/// Rule: a deleted log's directory is renamed and the parent synced before a file of it goes. A crash leaves all of it under a name that
/// says what to do, never half a log under its own.
TEST(FileTrace, ADeletedLogLosesItsNameBeforeItsFiles) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.drop();
  static_cast<void>(disk.files.take());

  const Result<std::string> aside = set_log_aside(log.place(), kIdentity.log_id);
  ASSERT_TRUE(aside);
  ASSERT_TRUE(disk.files.remove_all(*aside));

  EXPECT_EQ(disk.files.take(), R"(
rename topic-0 topic-0.000000000000002a-delete
sync-dir disk
remove-all topic-0.000000000000002a-delete
)");
}

// Recovery

/// Rule: all that was touched, and the directories, are synced before they are served. Snapshots above the recovery point go first: they
/// may tell of batches that the crash took.
TEST(FileTrace, RecoverySyncsWhatItAccepts) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  const RecoveryPoint point = log.log().recovery_state();
  ASSERT_TRUE(log.append());
  ASSERT_TRUE(log.append());
  static_cast<void>(disk.files.take());

  log.reopen({.known = point});

  EXPECT_EQ(disk.files.take(), R"(
remove 0002.snapshot
sync 0000.log
sync 0002.log
sync-dir topic-0
)");
  EXPECT_EQ(log.log().end_offset(), Offset{3});
}

/// Rules: what follows the last valid byte is copied aside, durably, before it is cut; later segments go aside likewise; the cut is durable
/// before anything is appended where it was, so that no position is written twice. Run again, nothing is left to do.
TEST(FileTrace, ATornTailIsKeptAsideBeforeItIsCut) {
  TracedDisk disk;
  TracedLog log(disk);
  ASSERT_TRUE(log.append());
  log.round();
  const RecoveryPoint point = log.log().recovery_state();
  ASSERT_TRUE(log.append());
  ASSERT_TRUE(log.append());
  log.drop();
  BatchBytes torn = disk.memory.contents(log.path("00000000000000000000.log"));
  torn.resize(kBatchBytes + 30);
  disk.memory.set_contents(log.path("00000000000000000000.log"), torn);
  static_cast<void>(disk.files.take());

  log.reopen({.known = point});

  EXPECT_EQ(disk.files.take(), R"(
remove 0002.snapshot
create 0000.log.88-0.cut
write 0000.log.88-0.cut 0+30
sync 0000.log.88-0.cut
sync-dir topic-0
remove 0000.index
remove 0000.timeindex
truncate 0000.log 88
sync 0000.log
rename 0002.log 0002.log.0-0.cut
sync-dir topic-0
)");
  log.reopen({.known = point});
  EXPECT_EQ(disk.files.take(), "");
}

}  // namespace
}  // namespace tidelog::testing
