// What the journal gives back of a log that was cut back: nothing of what went, and all of what came after.
#include "storage/journal/contents.h"
#include "tests/support/truncate_log.h"
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::EntryKind;
using storage::Journal;
using storage::JournalBase;
using storage::JournalContents;
using storage::JournalEntry;
using storage::JournalPosition;
using storage::RecoveryPoint;
using storage::RoundBuilder;
using storage::SyncMeans;
using storage::SyncTicket;

constexpr Uuid kDisk{{std::byte{9}}};
constexpr storage::JournalShape kShape{.files = 1, .file_bytes = 64 * storage::kJournalBlockBytes};

/// A log whose rounds go to a journal. The manifest on disk is the one before all of them, so everything in the journal is live.
class JournaledLog {
 public:
  JournaledLog()
      : journal_(
            *Journal::open(fixture_.disk(), {.log_dir = "disk", .disk_id = kDisk}, kShape, {.run_id = 77, .next_round = 1, .salt = 5})),
        from_(journal_->next()) {
    EXPECT_TRUE(fixture_.disk().sync_disk("disk"));
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] storage::Log& log() { return fixture_.log(); }

  /// Each batch in a round of its own: in the journal only.
  void append_through_journal(int batches, const BatchSpec& spec) {
    for (int i = 0; i < batches; ++i) {
      ASSERT_NE(fixture_.append(spec), Offset{-1});
      const SyncTicket ticket = log().begin_sync(SyncMeans::journal);
      ASSERT_EQ(ticket.fresh.size(), 1U);
      const storage::FreshBytes& fresh = ticket.fresh.front();
      BatchBytes bytes(fresh.end - fresh.begin);
      ASSERT_TRUE(fresh.file->read_at(fresh.begin, bytes));
      RoundBuilder round;
      round.add_batch(ticket.log_id, *storage::parse_batch_header(bytes), bytes);
      ASSERT_TRUE(journal_->write(round));
      log().finish_sync(ticket);
    }
  }
  bool write_base(std::uint64_t log_id, Offset end) {
    RoundBuilder round;
    round.add_base({.log_id = log_id, .end = end});
    return journal_->write(round).has_value();
  }
  /// `with_base`: else as a broker would that does not know the rule.
  void truncate(Offset to, bool with_base = true) {
    ASSERT_TRUE(fixture_.sync());
    const auto base = [&](const storage::TruncationName& cut) { return !with_base || write_base(kIdentity.log_id, cut.offset); };
    ASSERT_TRUE(truncate_log(log(), fixture_.disk(), to, {.write_base = base, .write_manifest = [] { return false; }}));
  }
  void lose_power() {
    fixture_.drop();
    fixture_.disk().crash();
    const Result<JournalContents> contents = JournalContents::load(fixture_.disk(), "disk", kDisk, from_);
    ASSERT_TRUE(contents);
    ASSERT_TRUE(contents->end().damage.empty()) << contents->end().damage;
    open(*contents, kIdentity);
  }
  void open(const JournalContents& contents, const storage::LogIdentity& identity) {
    storage::RecoveryReport report;
    opened_ = *storage::Log::open(fixture_.place(), fixture_.config(),
                                  {.identity = identity, .recovery = {.known = RecoveryPoint{}}, .journal = &contents}, report);
    restored_ = report.batches_restored;
  }
  [[nodiscard]] Result<JournalContents> contents() { return JournalContents::load(fixture_.disk(), "disk", kDisk, from_); }

  /// After `lose_power`.
  [[nodiscard]] storage::Log& opened() { return *opened_; }
  [[nodiscard]] std::uint64_t restored() const { return restored_; }

 private:
  LogFixture fixture_;
  std::unique_ptr<Journal> journal_;
  JournalPosition from_;
  std::unique_ptr<storage::Log> opened_;
  std::uint64_t restored_ = 0;
};

const BatchSpec kOld{.epoch = {1}, .timestamps = {1000}};
const BatchSpec kNew{.epoch = {2}, .timestamps = {2000}};

TEST(JournalBase, KeepsOldBatchesFromComingBack) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  const LogReading all = read_as_client(log.log());
  log.truncate({2});

  log.lose_power();

  EXPECT_EQ(log.restored(), 0U);
  EXPECT_EQ(read_as_client(log.opened()),
            (LogReading{.batches = {*all.batches.find({0}), *all.batches.find({1})}, .refused = {}, .disbelieved = {}, .end = {2}}));
}

/// What it is for: the very next offset after the cut is that of a batch which the journal has.
TEST(JournalBase, WithoutItTheyWould) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.truncate({2}, false);

  log.lose_power();

  EXPECT_EQ(log.opened().end_offset(), Offset{5});
}

/// As when its round is the damaged one, which recovery leaves out.
TEST(JournalBase, MissingDoesNotPutOldBatchesInThePlaceOfNewOnes) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.truncate({2}, false);
  log.append_through_journal(1, kNew);
  const LogReading expected = read_as_client(log.log());

  log.lose_power();

  EXPECT_EQ(read_as_client(log.opened()), expected);
}

TEST(JournalBase, LeavesWhatCameAfterIt) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.truncate({2});
  log.append_through_journal(4, kNew);
  const LogReading expected = read_as_client(log.log());

  log.lose_power();

  EXPECT_EQ(log.restored(), 4U) << "the new segment lost all of its bytes";
  EXPECT_EQ(read_as_client(log.opened()), expected);
  EXPECT_TRUE(log.opened().damage().empty());
}

TEST(JournalBase, OfEachTruncationCounts) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.truncate({4});
  log.append_through_journal(3, kNew);
  log.truncate({2});
  log.append_through_journal(1, {.epoch = {3}, .timestamps = {3000}});
  const LogReading expected = read_as_client(log.log());

  log.lose_power();

  EXPECT_EQ(log.restored(), 1U);
  EXPECT_EQ(read_as_client(log.opened()), expected);
}

/// The mutant that journals the truncation itself: replayed, it would cut what was written and synced since, acknowledged records among it.
TEST(TruncationJournaledAsSuch, WouldCutNewerBytesAndABaseCutsNone) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.truncate({2});
  for (int i = 0; i < 6; ++i) ASSERT_NE(log.fixture().append(kNew), Offset{-1});
  ASSERT_TRUE(log.fixture().sync());  // In the files, and not in the journal, which ends with the base.
  const LogReading expected = read_as_client(log.log());

  log.lose_power();

  EXPECT_EQ(expected.end, Offset{8});
  EXPECT_EQ(read_as_client(log.opened()), expected);
}

/// R11, and the mutant that replays frames by topic id: a replica that was moved away and back is another log of the same topic.
TEST(FramesReplayedByTopicId, WouldGiveALogWhatAnotherIncarnationHad) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  log.fixture().drop();
  ASSERT_TRUE(log.fixture().disk().remove_all(kLogDirectory));
  const storage::LogIdentity moved_back{.topic_id = kIdentity.topic_id, .log_id = kIdentity.log_id + 1};
  ASSERT_TRUE(storage::Log::create(log.fixture().place(), moved_back, {}));
  log.fixture().disk().crash();
  const Result<JournalContents> contents = log.contents();
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->of(kIdentity.log_id).size(), 5U);

  log.open(*contents, moved_back);

  EXPECT_EQ(log.opened().end_offset(), Offset{0});
  EXPECT_EQ(log.restored(), 0U);
}

TEST(JournalBase, OfAnotherLogVoidsNothing) {
  JournaledLog log;
  log.append_through_journal(5, kOld);
  ASSERT_TRUE(log.write_base(kIdentity.log_id + 1, {2}));

  log.lose_power();

  EXPECT_EQ(log.opened().end_offset(), Offset{5});
}

/// The entries of a payload; nothing if it is not made of them.
std::optional<std::vector<JournalEntry>> entries_of(Bytes payload) {
  storage::EntryReader reader(payload);
  std::vector<JournalEntry> entries;
  while (true) {
    const Result<std::optional<JournalEntry>> entry = reader.next();
    if (!entry) return std::nullopt;
    if (!*entry) return entries;
    entries.push_back(**entry);
  }
}

TEST(JournalEntry, IsABatchOrABaseAndNothingElse) {
  const BatchBytes batch = make_batch({7});
  RoundBuilder round;
  round.add_base({.log_id = 3, .end = {11}});
  round.add_batch(4, *storage::parse_batch_header(batch), batch);
  const RoundBuilder::Frame frame = round.finish({});
  BatchBytes payload;
  for (const Bytes part : frame.parts.subspan(1, 4)) payload.insert(payload.end(), part.begin(), part.end());

  const auto entries = entries_of(payload);

  ASSERT_TRUE(entries && entries->size() == 2);
  EXPECT_EQ(entries->at(0).kind, EntryKind::base);
  EXPECT_EQ(entries->at(0).log_id, 3U);
  EXPECT_EQ(entries->at(0).base_offset, Offset{11});
  EXPECT_TRUE(entries->at(0).batch.empty());
  EXPECT_EQ(entries->at(1).kind, EntryKind::batch);
  EXPECT_EQ(entries->at(1).batch.size(), batch.size());
  for (const int kind : {0, 3, 255}) {
    payload[0] = static_cast<std::byte>(kind);
    EXPECT_FALSE(entries_of(payload)) << kind;
  }
  // A base with bytes behind it is none.
  payload[0] = std::byte{2};
  payload[7] = std::byte{37};
  EXPECT_FALSE(entries_of(payload));
}

}  // namespace
}  // namespace tidelog::testing
