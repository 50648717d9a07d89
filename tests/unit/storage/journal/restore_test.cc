// What recovery makes of a log whose newest batches only the journal has.
#include "storage/journal/restore.h"

#include "storage/journal/file_header.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::Journal;
using storage::JournalContents;
using storage::JournalPosition;
using storage::Log;

constexpr Uuid kDisk{{std::byte{9}}};
constexpr storage::JournalShape kShape{.files = 2, .file_bytes = 16 * storage::kJournalBlockBytes};

class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest() {
    EXPECT_TRUE(disk_.make_directory("disk"));
    EXPECT_TRUE(disk_.sync_disk("disk"));
    EXPECT_TRUE(Log::create(place(), kIdentity, {}));
    journal_ = *Journal::open(disk_, {.log_dir = "disk", .disk_id = kDisk}, kShape, {.run_id = 1, .next_round = 1, .salt = 1});
    from_ = journal_->next();
  }

  /// A round with the log's next batch, of one record; says where the round begins.
  JournalPosition acknowledge(BatchBytes batch) {
    const JournalPosition at = journal_->next();
    storage::RoundBuilder round;
    round.add_batch(kIdentity.log_id, *storage::parse_batch_header(batch), batch);
    EXPECT_TRUE(journal_->write(round));
    return at;
  }

  void flip(const JournalPosition& round, std::uint64_t at) {
    const std::string path = storage::journal_file("disk", round.file);
    BatchBytes bytes = disk_.contents(path);
    bytes[round.position + at] ^= std::byte{1};
    disk_.set_contents(path, bytes);
  }

  /// Power loss, and the start after it.
  Log& reopen() {
    disk_.crash();
    const Result<JournalContents> contents = JournalContents::load(disk_, "disk", kDisk, from_);
    EXPECT_TRUE(contents.has_value());
    storage::RecoveryReport report;
    log_ = *Log::open(place(), {}, {.identity = kIdentity, .journal = &*contents}, report);
    return *log_;
  }

  BatchBytes read(Offset from) {
    const Result<storage::Slice> slice = log_->read({.from = from, .limit = log_->end_offset(), .max_bytes = 1});
    EXPECT_TRUE(slice.has_value()) << "offset " << from.value;
    return slice ? LogFixture::bytes_of(*slice) : BatchBytes{};
  }

  storage::LogPlace place() { return {&disk_, kLogDirectory}; }
  static BatchBytes rotten(BatchBytes batch) {
    batch.back() ^= std::byte{1};
    return batch;
  }
  static void expect_missing(const Log& log, Offset from, Offset to) {
    ASSERT_EQ(log.damage().ranges().size(), 1U);
    EXPECT_EQ(log.damage().ranges()[0].from, from);
    EXPECT_EQ(log.damage().ranges()[0].to, to);
  }

  MemoryFiles disk_;
  std::unique_ptr<Journal> journal_;
  JournalPosition from_;
  std::unique_ptr<Log> log_;
};

TEST_F(RestoreTest, ServesWhatLiesBehindADamagedRound) {
  acknowledge(make_batch({0}));
  const JournalPosition second = acknowledge(make_batch({1}));
  acknowledge(make_batch({2}));
  flip(second, 150);

  const Log& log = reopen();

  EXPECT_EQ(log.end_offset(), Offset{3});
  expect_missing(log, {1}, {2});
  EXPECT_EQ(read({0}), make_batch({0}));
  EXPECT_EQ(read({2}), make_batch({2}));
}

TEST_F(RestoreTest, ABatchWhoseOwnChecksumDoesNotFitIsMissing) {
  acknowledge(make_batch({0}));
  acknowledge(rotten(make_batch({1})));
  acknowledge(rotten(make_batch({2})));
  acknowledge(make_batch({3}));

  const Log& log = reopen();

  EXPECT_EQ(log.end_offset(), Offset{4});
  expect_missing(log, {1}, {3});
  EXPECT_EQ(read({3}), make_batch({3}));
}

TEST_F(RestoreTest, TheOffsetsOfAMissingLastBatchAreNotGivenOutAgain) {
  acknowledge(make_batch({0}));
  acknowledge(rotten(make_batch({1})));

  const Log& log = reopen();

  EXPECT_EQ(log.end_offset(), Offset{2});
  expect_missing(log, {1}, {2});
  EXPECT_EQ(read({0}), make_batch({0}));
}

}  // namespace
}  // namespace tidelog::testing
