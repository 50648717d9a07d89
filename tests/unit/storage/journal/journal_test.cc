#include "storage/journal/journal.h"

#include "proto/base/endian.h"
#include "storage/journal/file_header.h"
#include "storage/journal/reader.h"
#include "tests/support/faulty_files.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::BatchHeader;
using storage::Journal;
using storage::JournalEnd;
using storage::JournalEntry;
using storage::JournalPosition;
using storage::JournalShape;
using storage::kJournalBlockBytes;
using storage::RoundBuilder;

/// Small, so that a few rounds go through all files.
constexpr JournalShape kShape{.files = 3, .file_bytes = 16 * kJournalBlockBytes};
constexpr std::uint64_t kRun = 0x1234;
constexpr std::uint64_t kSalt = 0xfeed'0000'1111'2222;

Uuid disk_id(std::uint8_t n = 7) {
  Uuid id;
  id.bytes[0] = std::byte{n};
  return id;
}

/// What is read back of an entry, with its bytes copied.
struct Kept {
  std::uint64_t log_id;
  std::int64_t base;
  std::string bytes;
  bool operator==(const Kept&) const = default;
};

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    EXPECT_TRUE(disk_.make_directory("disk"));
    EXPECT_TRUE(disk_.sync_disk("disk"));
  }

  std::unique_ptr<Journal> open(Journal::Start start = {.run_id = kRun, .next_round = 100, .salt = kSalt}, JournalShape shape = kShape) {
    Result<std::unique_ptr<Journal>> journal = Journal::open(disk_, {.log_dir = "disk", .disk_id = disk_id()}, shape, start);
    EXPECT_TRUE(journal.has_value()) << (journal ? "" : name(journal.error()));
    return journal ? std::move(*journal) : nullptr;
  }

  /// One batch of log `log_id`; says what should come back.
  Kept write(Journal& journal, std::uint64_t log_id, std::int64_t base, std::size_t bytes) {
    const std::string value(bytes, static_cast<char>('a' + base % 26));
    RoundBuilder round;
    round.add_batch(log_id, BatchHeader{.base_offset = {base}, .leader_epoch = {3}}, std::as_bytes(std::span(value)));
    EXPECT_TRUE(journal.write(round));
    return {.log_id = log_id, .base = base, .bytes = value};
  }

  JournalEnd read(const std::optional<JournalPosition>& from) {
    kept_.clear();
    const auto visit = [&](const JournalEntry& entry, const storage::BatchLocation&) {
      const auto* text = reinterpret_cast<const char*>(entry.batch.data());
      kept_.push_back({.log_id = entry.log_id, .base = entry.base_offset.value, .bytes = std::string(text, entry.batch.size())});
    };
    const Result<JournalEnd> end = storage::read_journal(disk_, {.log_dir = "disk", .disk_id = disk_id()}, from, visit);
    EXPECT_TRUE(end.has_value());
    return end ? *end : JournalEnd{};
  }

  /// Overwrites one byte where a disk would.
  void flip(std::uint32_t file, std::uint64_t position) {
    std::vector<std::byte> bytes = disk_.contents(storage::journal_file("disk", file));
    bytes[position] ^= std::byte{0x40};
    disk_.set_contents(storage::journal_file("disk", file), bytes);
  }

  MemoryFiles disk_;
  std::vector<Kept> kept_;
};

TEST_F(JournalTest, GivesBackEveryRoundAfterPowerLoss) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  std::vector<Kept> expected{write(*journal, 1, 10, 100), write(*journal, 2, 20, 9000)};
  disk_.crash();
  const JournalEnd end = read(from);

  EXPECT_EQ(kept_, expected);
  EXPECT_EQ(end.rounds_read, 2U);
  EXPECT_EQ(end.next_round, 102U);
  EXPECT_TRUE(end.damage.empty()) << end.damage;
}

TEST_F(JournalTest, OneRoundKeepsBatchesOfManyLogsInOrder) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  std::vector<std::string> values;
  for (int n = 0; n < 40; ++n) values.push_back(std::string(static_cast<std::size_t>(n) * 7, 'v') + std::to_string(n));
  RoundBuilder round;
  for (int n = 0; n < 40; ++n) {
    round.add_batch(static_cast<std::uint64_t>(n), BatchHeader{.base_offset = {n}}, std::as_bytes(std::span(values[n])));
  }
  ASSERT_TRUE(journal->write(round));

  ASSERT_EQ(read(from).rounds_read, 1U);

  std::vector<std::string> got;
  for (const Kept& kept : kept_) got.push_back(kept.bytes);
  EXPECT_EQ(got, values);
}

TEST_F(JournalTest, GoesThroughAllFilesAgainAndAgain) {
  const auto journal = open();
  std::deque<std::pair<JournalPosition, Kept>> live;
  for (std::int64_t n = 0; n < 300; ++n) {
    const std::size_t bytes = static_cast<std::size_t>(n * 977 % 20000);
    RoundBuilder probe;
    const std::string value(bytes, 'x');
    probe.add_batch(1, BatchHeader{}, std::as_bytes(std::span(value)));
    while (!journal->has_room(probe.frame_bytes())) {
      ASSERT_FALSE(live.empty()) << "no room in an empty journal for " << bytes;
      live.pop_front();
      journal->release(live.empty() ? journal->next() : live.front().first);
    }
    const JournalPosition at = journal->next();
    live.emplace_back(at, write(*journal, 1, n, bytes));

    const JournalEnd end = read(live.front().first);
    ASSERT_EQ(end.rounds_read, live.size()) << "after round " << n << ": " << end.damage;
    for (std::size_t i = 0; i < live.size(); ++i) ASSERT_EQ(kept_[i], live[i].second);
    ASSERT_LE(journal->used_bytes(), journal->capacity_bytes());
  }
}

TEST_F(JournalTest, NeverWritesOverWhatWasNotReleased) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  std::size_t written = 0;
  const std::string value(6000, 'x');
  RoundBuilder probe;
  probe.add_batch(1, BatchHeader{}, std::as_bytes(std::span(value)));
  while (journal->has_room(probe.frame_bytes())) write(*journal, 1, static_cast<std::int64_t>(written++), value.size());
  EXPECT_GT(written, 10U);

  EXPECT_EQ(journal->write(probe).error(), Errc::no_space);
  EXPECT_EQ(read(from).rounds_read, written);
}

TEST_F(JournalTest, ATornRoundWasNeverAcknowledgedAndIsNoDamage) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  write(*journal, 1, 0, 5000);
  const JournalPosition last = journal->next();
  write(*journal, 1, 1, 9000);
  const std::vector<std::byte> whole = disk_.contents(storage::journal_file("disk", last.file));
  // The disk wrote only a part: any set of whole blocks but all.
  for (int blocks = 0; blocks < 7; ++blocks) {
    std::vector<std::byte> torn = whole;
    for (int block = 0; block < 3; ++block) {
      if ((blocks >> block & 1) != 0) continue;
      const auto begin = torn.begin() + static_cast<std::ptrdiff_t>(last.position + static_cast<std::uint64_t>(block) * kJournalBlockBytes);
      std::fill(begin, begin + kJournalBlockBytes, std::byte{0});
    }
    disk_.set_contents(storage::journal_file("disk", last.file), torn);
    const JournalEnd end = read(from);
    EXPECT_EQ(end.rounds_read, 1U) << blocks;
    EXPECT_TRUE(end.damage.empty()) << end.damage;
    ASSERT_EQ(kept_.size(), 1U);
    EXPECT_EQ(kept_[0].base, 0);
  }
}

TEST_F(JournalTest, AnyFlippedByteOfAnAcknowledgedRoundIsToldAsDamageAndHidesNoOtherRound) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  std::vector<Kept> expected{write(*journal, 1, 0, 300)};
  const JournalPosition second = journal->next();
  write(*journal, 1, 1, 300);
  expected.push_back(write(*journal, 1, 2, 300));
  const std::size_t used = storage::kRoundHeaderBytes + 36 + 300;
  for (std::size_t at = 0; at < used; ++at) {
    if (at >= 52 && at < 64) continue;  // Reserved, and covered by the CRC all the same: looked at below.
    flip(second.file, second.position + at);
    const JournalEnd end = read(from);
    EXPECT_EQ(end.rounds_read, 2U) << "byte " << at;
    EXPECT_EQ(kept_, expected) << "byte " << at;
    EXPECT_NE(end.damage.find("round 101"), std::string::npos) << "byte " << at << ": " << end.damage;
    flip(second.file, second.position + at);
  }
  flip(second.file, second.position + 60);
  EXPECT_EQ(read(from).rounds_read, 2U);
}

TEST_F(JournalTest, WhatTheDiskDoesNotGiveIsAnErrorOrNotNeeded) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  for (std::int64_t n = 0; n < 3; ++n) write(*journal, 1, n, 9000);
  std::size_t refused = 0;
  FaultyFiles faulty(disk_);
  for (std::size_t call = 1;; ++call) {
    faulty.fail_call(call);
    const auto none = [](const JournalEntry&, const storage::BatchLocation&) {};
    const Result<JournalEnd> end = storage::read_journal(faulty, {.log_dir = "disk", .disk_id = disk_id()}, from, none);
    if (!faulty.has_failed()) break;
    SCOPED_TRACE(faulty.failed_call());
    faulty.heal();
    if (end) {
      EXPECT_EQ(end->rounds_read, 3U);
      EXPECT_TRUE(end->damage.empty()) << end->damage;
    } else {
      EXPECT_EQ(end.error(), Errc::io);
      ++refused;
    }
  }
  EXPECT_GE(refused, 3U) << "the payload of each round is read once";
}

TEST_F(JournalTest, WhatTheProcessMayNotReadIsAnError) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  write(*journal, 1, 0, 9000);
  FaultyFiles faulty(disk_);
  for (std::size_t call = 1;; ++call) {
    faulty.fail_call(call, Errc::refused);
    const auto none = [](const JournalEntry&, const storage::BatchLocation&) {};
    const Result<JournalEnd> end = storage::read_journal(faulty, {.log_dir = "disk", .disk_id = disk_id()}, from, none);
    if (!faulty.has_failed()) break;
    faulty.heal();
    ASSERT_FALSE(end.has_value()) << "call " << call;
    EXPECT_EQ(end.error(), Errc::refused);
  }
}

TEST_F(JournalTest, RoundsOfAnotherRunOrAnEarlierLapDoNotContinueTheChain) {
  JournalPosition from;
  {
    const auto journal = open();
    for (std::int64_t n = 0; n < 20; ++n) {
      journal->release(journal->next());
      write(*journal, 1, n, 3000);
    }
  }
  const std::uint64_t next = read(std::nullopt).next_round;
  EXPECT_EQ(next, 120U);
  const auto journal = open({.run_id = kRun + 1, .next_round = next, .salt = 1});
  from = journal->next();
  write(*journal, 2, 500, 3000);  // Over the first round of the run before; its later ones are still there.

  const JournalEnd end = read(from);

  EXPECT_EQ(end.rounds_read, 1U);
  EXPECT_EQ(kept_.front().base, 500);
  EXPECT_TRUE(end.damage.empty()) << end.damage;
}

TEST_F(JournalTest, WithoutAManifestTheNewestRunIsReadFromItsOldestRoundOn) {
  {
    const auto journal = open();
    for (std::int64_t n = 0; n < 5; ++n) write(*journal, 1, n, 3000);
  }
  const auto journal = open({.run_id = 99, .next_round = 105, .salt = 1});
  for (std::int64_t n = 50; n < 53; ++n) write(*journal, 1, n, 3000);

  const JournalEnd end = read(std::nullopt);

  EXPECT_EQ(end.rounds_read, 3U);
  EXPECT_EQ(kept_.front().base, 50);
  EXPECT_EQ(end.next_round, 108U);
}

TEST_F(JournalTest, ARecordThatLooksLikeARoundIsNone) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  // A guess at the header of round 101, at the place where a block of the payload begins.
  RoundBuilder forged;
  forged.add_batch(1, BatchHeader{}, {});
  const RoundBuilder::Frame frame = forged.finish({.salt = 0, .run_id = kRun, .number = ~0ULL, .previous_crc = 0});
  std::string value(2 * kJournalBlockBytes, 'x');
  const std::size_t at = kJournalBlockBytes - storage::kRoundHeaderBytes - 36;
  std::memcpy(value.data() + at, frame.parts[0].data(), frame.parts[0].size());
  std::memcpy(value.data() + at + frame.parts[0].size(), frame.parts[1].data(), frame.parts[1].size());
  RoundBuilder round;
  round.add_batch(1, BatchHeader{}, std::as_bytes(std::span(value)));
  ASSERT_TRUE(journal->write(round));

  for (const std::optional<JournalPosition>& begin : {std::optional(from), std::optional<JournalPosition>()}) {
    const JournalEnd end = read(begin);
    EXPECT_EQ(end.rounds_read, 1U);
    EXPECT_EQ(end.next_round, 101U);
    EXPECT_TRUE(end.damage.empty()) << end.damage;
  }
}

TEST_F(JournalTest, FilesThatAreNotWholeOrOfAnotherDiskAreMadeAnew) {
  {
    const auto journal = open();
  }
  flip(1, 17);
  const auto journal = open({.run_id = 5, .next_round = 7, .salt = 1});
  const JournalPosition from = journal->next();
  std::vector<Kept> expected;
  for (std::int64_t n = 0; n < 12; ++n) expected.push_back(write(*journal, 1, n, 10000));  // Into the second file.

  EXPECT_EQ(read(from).rounds_read, 12U);
  EXPECT_EQ(kept_, expected);
  const auto none = [](const JournalEntry&, const storage::BatchLocation&) {};
  EXPECT_TRUE(storage::read_journal(disk_, {.log_dir = "disk", .disk_id = disk_id(8)}, from, none)->is_missing);
}

TEST_F(JournalTest, WithoutFilesNothingIsRead) {
  const JournalEnd end = read(JournalPosition{.run_id = 1, .round = 55});
  EXPECT_TRUE(end.is_missing);
  EXPECT_EQ(end.next_round, 55U);
}

TEST_F(JournalTest, AFailedWriteOrSyncIsNeverTriedAgain) {
  for (const std::size_t call : {1U, 2U}) {
    MemoryFiles disk;
    ASSERT_TRUE(disk.make_directory("disk"));
    FaultyFiles faulty(disk);
    const auto journal = std::move(*Journal::open(faulty, {.log_dir = "disk", .disk_id = disk_id()}, kShape, {.run_id = kRun}));
    RoundBuilder round;
    round.add_batch(1, BatchHeader{}, {});
    faulty.fail_call(call);
    EXPECT_EQ(journal->write(round).error(), Errc::io);
    EXPECT_EQ(journal->write(round).error(), Errc::offline);
  }
}

TEST_F(JournalTest, WhereItCannotBeMadeNothingOfItStays) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  FaultyFiles faulty(disk);
  faulty.fail_writes(Errc::no_space);
  EXPECT_EQ(Journal::open(faulty, {.log_dir = "disk", .disk_id = disk_id()}, kShape, {}).error(), Errc::no_space);
  EXPECT_TRUE(disk.names("disk").empty());
  for (const JournalShape shape : {JournalShape{.files = 0}, JournalShape{.files = 1, .file_bytes = 5000},
                                   JournalShape{.files = 1, .file_bytes = kJournalBlockBytes}}) {
    EXPECT_EQ(Journal::open(disk, {.log_dir = "disk", .disk_id = disk_id()}, shape, {}).error(), Errc::invalid);
  }
}

/// Cut anywhere, flipped anywhere: it ends, and what it gives was written, is unchanged and in order. What lies in other files is given.
TEST_F(JournalTest, GarbageNeverChangesWhatIsGiven) {
  const auto journal = open();
  const JournalPosition from = journal->next();
  std::vector<Kept> all;
  for (std::int64_t n = 0; n < 12; ++n) all.push_back(write(*journal, 1, n, static_cast<std::size_t>(n * 613)));
  std::vector<std::uint32_t> file_of;
  const auto note_file = [&](const JournalEntry&, const storage::BatchLocation& at) { file_of.push_back(at.file); };
  ASSERT_EQ(storage::read_journal(disk_, {.log_dir = "disk", .disk_id = disk_id()}, from, note_file)->rounds_read, all.size());
  ASSERT_NE(file_of.front(), file_of.back());
  std::mt19937 dice(1);
  std::map<std::uint32_t, std::vector<std::byte>> whole;
  for (std::uint32_t file = 0; file < kShape.files; ++file) whole[file] = disk_.contents(storage::journal_file("disk", file));
  for (int round = 0; round < 2000; ++round) {
    const std::uint32_t file = dice() % kShape.files;
    std::vector<std::byte> bytes = whole[file];
    if (dice() % 4 == 0) bytes.resize(dice() % bytes.size());
    for (std::uint32_t n = dice() % 4; n > 0 && !bytes.empty(); --n) bytes[dice() % bytes.size()] = static_cast<std::byte>(dice());
    disk_.set_contents(storage::journal_file("disk", file), bytes);
    const bool without_manifest = dice() % 2 == 0;
    read(without_manifest ? std::nullopt : std::optional(from));
    std::int64_t before = -1;
    for (const Kept& kept : kept_) {
      ASSERT_GT(kept.base, before);
      ASSERT_LT(kept.base, static_cast<std::int64_t>(all.size()));
      ASSERT_EQ(kept, all[static_cast<std::size_t>(kept.base)]);
      before = kept.base;
    }
    // Without a manifest nobody knows where to begin, so the chain may begin behind the damage.
    for (std::size_t n = 0; n < all.size() && !without_manifest; ++n) {
      ASSERT_TRUE(file_of[n] == file || std::ranges::find(kept_, all[n]) != kept_.end()) << "round " << n;
    }
    disk_.set_contents(storage::journal_file("disk", file), whole[file]);
  }
}

}  // namespace
}  // namespace tidelog::testing
