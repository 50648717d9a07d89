// What is done to the disk while rounds go to the journal, in which order, syncs included. The sentence above a test says which rule that
// keeps.
#include "tests/unit/storage/traced_log.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::Journal;
using storage::JournalContents;
using storage::JournalPosition;
using storage::RecoveryPoint;
using storage::RoundBuilder;
using storage::SyncMeans;
using storage::SyncTicket;

constexpr Uuid kDiskId{{std::byte{9}}};
/// Room for one round of one block.
constexpr storage::JournalShape kOneRound{.files = 1, .file_bytes = 2 * storage::kJournalBlockBytes};

std::unique_ptr<Journal> open_journal(TracedDisk& disk) {
  return std::move(
      *Journal::open(disk.files, {.log_dir = kTracedDisk, .disk_id = kDiskId}, kOneRound, {.run_id = 77, .next_round = 5, .salt = 1}));
}

/// A round over what is fresh in these logs.
Result<void> journal_round(Journal& journal, const std::vector<TracedLog*>& logs) {
  std::vector<SyncTicket> tickets;
  std::vector<BatchBytes> batches;  // A builder refers to them.
  for (TracedLog* each : logs) {
    tickets.push_back(each->log().begin_sync(SyncMeans::journal));
    for (const storage::FreshBytes& fresh : tickets.back().fresh) {
      BatchBytes& bytes = batches.emplace_back(fresh.end - fresh.begin);
      EXPECT_TRUE(fresh.file->read_at(fresh.begin, bytes));
    }
  }
  RoundBuilder round;
  std::size_t at = 0;
  for (const SyncTicket& ticket : tickets) {
    for (std::size_t i = 0; i < ticket.fresh.size(); ++i, ++at) {
      round.add_batch(ticket.log_id, *storage::parse_batch_header(batches[at]), batches[at]);  // One batch each, in these tests.
    }
  }
  if (const Result<void> written = journal.write(round); !written) return written;
  for (std::size_t i = 0; i < logs.size(); ++i) logs[i]->log().finish_sync(tickets[i]);
  return {};
}

/// Rule: journal files are written in full and synced before the first round, so that a round's sync has no metadata to write. The header
/// comes last: a file that is not whole is nobody's.
TEST(JournalTrace, TheJournalIsWrittenInFullBeforeItIsUsed) {
  TracedDisk disk;

  open_journal(disk).reset();

  EXPECT_EQ(disk.files.take(), R"(
mkdir journal
create 00
truncate 00 0
write 00 0+8192
sync 00
write 00 0+56
sync 00
sync-dir journal
sync-dir disk
)");
  open_journal(disk).reset();
  EXPECT_EQ(disk.files.take(), R"(
sync-dir journal
sync-dir disk
)");
}

/// Rules: a round in the journal is one write of all batches and one sync, and is wholly there: no segment and no directory is synced. The
/// recovery point stays (I2: what lies above it is in a live frame). Journal space is used again only after a manifest that does not need
/// it is durable, and that only after the segments are (I4).
TEST(JournalTrace, ARoundInTheJournalIsOneWriteUntilACheckpointSyncsTheFiles) {
  TracedDisk disk;
  TracedLog a(disk, "a-0");
  TracedLog b(disk, "b-1");
  const std::unique_ptr<Journal> journal = open_journal(disk);
  ASSERT_TRUE(b.append(2));
  b.round();
  ASSERT_TRUE(b.append());  // Into a new file.
  ASSERT_TRUE(a.append());
  static_cast<void>(disk.files.take());

  ASSERT_TRUE(journal_round(*journal, {&a, &b}));

  EXPECT_EQ(disk.files.take(), R"(
write 00 4096+4096
sync 00
)");
  EXPECT_EQ(a.log().durable_end(), Offset{1});
  EXPECT_EQ(a.log().synced_end(), Offset{0});
  EXPECT_EQ(b.log().durable_end(), Offset{3});
  EXPECT_EQ(b.log().synced_end(), Offset{2});

  const JournalPosition from = journal->next();
  a.round();
  b.round();
  RoundBuilder too_early;
  too_early.add_batch(1, {}, {});
  EXPECT_EQ(journal->write(too_early).error(), Errc::no_space);
  storage::Manifest manifest;
  manifest.replay_from = from;
  write_manifest(disk, {&a, &b}, manifest);
  journal->release(from);

  EXPECT_EQ(disk.files.take(), R"(
create leader-epoch-checkpoint.tmp
write leader-epoch-checkpoint.tmp 0+8
rename leader-epoch-checkpoint.tmp leader-epoch-checkpoint
sync 0000.log
sync leader-epoch-checkpoint
sync-dir a-0
sync 0002.log
sync-dir b-1
create manifest.tmp
write manifest.tmp 0+192
sync manifest.tmp
rename manifest.tmp manifest
sync-dir disk
)");

  ASSERT_TRUE(a.append());
  ASSERT_TRUE(journal_round(*journal, {&a}));

  EXPECT_EQ(disk.files.take(), R"(
write 0000.log 88+88
write 00 4096+4096
sync 00
)");
}

/// Rule: what comes out of the journal is synced in its segment, name included, before it is served, and before the journal may be written
/// over. Here power loss took the very name of the segment.
TEST(JournalTrace, WhatTheJournalGivesBackIsSyncedBeforeItIsServed) {
  TracedDisk disk;
  TracedLog log(disk);
  std::unique_ptr<Journal> journal = open_journal(disk);
  const JournalPosition from = journal->next();
  ASSERT_TRUE(log.append());
  ASSERT_TRUE(journal_round(*journal, {&log}));
  log.drop();
  journal.reset();
  disk.memory.crash();
  const Result<JournalContents> contents = JournalContents::load(disk.files, kTracedDisk, kDiskId, from);
  ASSERT_TRUE(contents);
  static_cast<void>(disk.files.take());

  log.reopen({.known = RecoveryPoint{}}, &*contents);

  EXPECT_EQ(disk.files.take(), R"(
create 0000.log
write 0000.log 0+88
sync 0000.log
sync-dir topic-0
)");
  EXPECT_EQ(log.log().end_offset(), Offset{1});
}

}  // namespace
}  // namespace tidelog::testing
