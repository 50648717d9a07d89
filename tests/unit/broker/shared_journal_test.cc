#include "broker/shard/shared_journal.h"

#include "storage/journal/contents.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

#include <array>

namespace tidelog::broker {
namespace {

using storage::Journal;
using storage::JournalBase;
using testing::MemoryFiles;

constexpr Uuid kDisk{{std::byte{9}}};
/// Room for one round of one block.
constexpr storage::JournalShape kOneRound{.files = 1, .file_bytes = 2 * storage::kJournalBlockBytes};
constexpr std::array<JournalBase, 2> kBases{JournalBase{.log_id = 1, .end = {5}}, JournalBase{.log_id = 2, .end = {7}}};

TEST(SharedJournal, HasNothingToVoidBeforeItIsOpen) {
  SharedJournal journal;

  const Result<bool> written = journal.write_bases(kBases);

  EXPECT_TRUE(written && *written);
}

TEST(SharedJournal, SaysWhenThereIsNoRoomForBasesAndFindsWhatACheckpointMade) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  SharedJournal journal;
  journal.open(
      std::move(*Journal::open(disk, {.log_dir = "disk", .disk_id = kDisk}, kOneRound, {.run_id = 77, .next_round = 1, .salt = 5})));
  const auto write = [&] {
    const Result<bool> written = journal.write_bases(kBases);
    EXPECT_TRUE(written);
    return written && *written;
  };

  EXPECT_TRUE(write()) << "bases of many logs are one round";
  EXPECT_FALSE(write());
  const auto from = journal.next();
  journal.release(*from);
  EXPECT_TRUE(write());

  const auto contents = storage::JournalContents::load(disk, "disk", kDisk, from);
  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->end().rounds_read, 1U);
  EXPECT_EQ(contents->logs(), 0U);
}

TEST(SharedJournal, WritesNoRoundOverNoBases) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  SharedJournal journal;
  journal.open(
      std::move(*Journal::open(disk, {.log_dir = "disk", .disk_id = kDisk}, kOneRound, {.run_id = 77, .next_round = 1, .salt = 5})));
  const auto before = journal.next();

  const Result<bool> written = journal.write_bases({});

  EXPECT_TRUE(written && *written);
  EXPECT_EQ(journal.next(), before);
}

}  // namespace
}  // namespace tidelog::broker
