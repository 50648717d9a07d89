// What the journal is for: records that were acknowledged while only it had them synced come back after power loss. And what it must not
// do: give back what a truncation took away.
#include "broker/shard/shared_journal.h"
#include "storage/journal/contents.h"
#include "tests/support/truncate_log.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace tidelog::broker {
namespace {

using storage::Journal;
using storage::JournalContents;
using storage::JournalPosition;
using storage::Log;
using storage::LogIdentity;
using storage::RecoveryPoint;
using storage::SyncMeans;
using storage::SyncTicket;
using testing::BatchBytes;
using testing::MemoryFiles;

constexpr Uuid kDisk{{std::byte{9}}};
constexpr storage::JournalShape kShape{.files = 2, .file_bytes = 5 * storage::kJournalBlockBytes};

/// Some logs of one disk with their journal, and what a broker would do with them.
class Machine {
 public:
  static constexpr std::size_t kLogs = 3;

  explicit Machine(unsigned seed) : dice_(seed) {
    EXPECT_TRUE(disk_.make_directory("disk"));
    EXPECT_TRUE(disk_.sync_disk("disk"));
    for (std::size_t i = 0; i < kLogs; ++i) logs_[i].log = *Log::create(place(i), identity(i), config());
    start_journal(0);
  }

  void step() {
    switch (dice_() % 13) {
      case 0: return checkpoint();
      case 12: return truncate();
      case 1: return round(SyncMeans::files);
      case 2: return crash();
      case 6: return delete_records();
      case 3:
      case 4:
      case 5: return round(SyncMeans::journal);
      default: return append();
    }
  }

  void crash() {
    for (Kept& kept : logs_) kept.log.reset();
    journal_ = std::make_unique<SharedJournal>();
    disk_.crash();
    Result<JournalContents> contents = JournalContents::load(disk_, "disk", kDisk, replay_from_);
    ASSERT_TRUE(contents.has_value());
    ASSERT_TRUE(contents->end().damage.empty()) << contents->end().damage;
    storage::RecoveryReport report;
    for (std::size_t i = 0; i < kLogs; ++i) reopen(i, *contents, report);
    restored += report.batches_restored;
    checkpoint();
    start_journal(contents->end().next_round);
  }

  std::uint64_t restored = 0;
  std::uint64_t journaled = 0;
  std::uint64_t refused = 0;
  std::uint64_t truncated = 0;
  std::uint64_t cut_short = 0;  ///< Truncations that power loss interrupted.
  std::uint64_t manifests_before_truncations = 0;

 private:
  struct Kept {
    std::unique_ptr<Log> log;
    BatchBytes written;                    ///< All that was appended since the start, as far as it survived.
    std::map<Offset, std::size_t> places;  ///< Where batches begin in it.
    Offset acked{0};                       ///< Told to a client.
    std::optional<RecoveryPoint> in_manifest;
    std::optional<Offset> cut;  ///< Of a truncation under way: it may come back as before or as after.
  };

  static storage::LogConfig config() { return testing::small_segments(3000); }
  storage::LogPlace place(std::size_t i) { return {&disk_, "disk/t-" + std::to_string(i)}; }
  static LogIdentity identity(std::size_t i) { return {.topic_id = {{std::byte{1}}}, .log_id = 100 + i}; }

  void start_journal(std::uint64_t next_round) {
    auto opened =
        Journal::open(disk_, {.log_dir = "disk", .disk_id = kDisk}, kShape, {.run_id = dice_(), .next_round = next_round, .salt = dice_()});
    ASSERT_TRUE(opened.has_value());
    replay_from_ = (*opened)->next();  // As the manifest says before the first round.
    journal_->open(std::move(*opened));
  }

  void append() {
    Kept& kept = logs_[dice_() % kLogs];
    if (kept.log->pending_truncation()) return;
    std::vector<BatchBytes> batches;
    Offset next = kept.log->end_offset();
    for (unsigned n = dice_() % 3 + 1; n > 0; --n) {
      batches.push_back(testing::make_batch(next, {.records = static_cast<int>(dice_() % 4 + 1), .value_bytes = dice_() % 300}));
      next = storage::parse_batch_header(batches.back())->next_offset();
    }
    const std::vector<Bytes> views(batches.begin(), batches.end());
    ASSERT_EQ(*kept.log->append(views), next);
    for (const BatchBytes& batch : batches) {
      kept.places[storage::parse_batch_header(batch)->base_offset] = kept.written.size();
      kept.written.insert(kept.written.end(), batch.begin(), batch.end());
    }
  }

  void round(SyncMeans means) {
    std::vector<SyncTicket> tickets;
    std::vector<Kept*> of;
    for (Kept& kept : logs_) {
      if (kept.log->fresh_bytes() == 0 && means == SyncMeans::journal) continue;
      tickets.push_back(kept.log->begin_sync(means));
      of.push_back(&kept);
    }
    std::vector<const SyncTicket*> views;
    for (const SyncTicket& ticket : tickets) views.push_back(&ticket);
    const Result<bool> written = means == SyncMeans::journal ? journal_->write(views) : Result<bool>(false);
    ASSERT_TRUE(written.has_value());
    ++(means == SyncMeans::journal ? *written ? journaled : refused : ignored_);
    if (dice_() % 4 == 0) append();  // While the round is under way: not covered by it.
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      if (!*written) {
        tickets[i].means = SyncMeans::files;
        ASSERT_TRUE(tickets[i].sync(disk_));
      }
      of[i]->log->finish_sync(tickets[i]);
      of[i]->acked = std::max(of[i]->acked, tickets[i].end_offset);
    }
  }

  /// Anywhere above the log start, also to what is acknowledged: who has that done knows why. One in three is interrupted by power loss at
  /// any of its steps.
  void truncate() {
    round(SyncMeans::files);
    round(SyncMeans::files);  // The first may have been appended to meanwhile,
    Kept& kept = logs_[dice_() % kLogs];
    const Offset start = kept.log->log_start_offset();
    const auto more = static_cast<std::uint64_t>(kept.log->end_offset() - start);
    if (kept.log->is_dirty() || more == 0) return;  // and so may the second.
    const Offset to = start + static_cast<std::int64_t>(dice_() % more);
    const Result<std::optional<storage::TruncationName>> cut = kept.log->begin_truncation(to);
    const bool holds_start = std::prev(kept.places.upper_bound(to))->first < start;
    ASSERT_EQ(!cut && cut.error() == Errc::out_of_range, holds_start);
    if (holds_start) return;
    ASSERT_TRUE(cut && *cut);
    kept.cut = (*cut)->offset;
    const bool is_interrupted = dice_() % 3 == 0;
    const unsigned interrupted_at = dice_() % 40;
    if (is_interrupted && interrupted_at == 0) return cut_short_by_power_loss();
    const storage::JournalBase base{.log_id = kept.log->identity().log_id, .end = (*cut)->offset};
    Result<bool> written = journal_->write_bases({&base, 1});
    ASSERT_TRUE(written.has_value());
    if (!*written) {  // Full: a checkpoint makes room.
      checkpoint();
      written = journal_->write_bases({&base, 1});
    }
    ASSERT_TRUE(written && *written);
    if (is_interrupted && interrupted_at == 1) return cut_short_by_power_loss();
    if (kept.log->truncation_needs_manifest()) {
      ++manifests_before_truncations;
      kept.in_manifest = kept.log->recovery_state();
      kept.log->manifest_written();
    }
    carry_out(kept, **cut, is_interrupted ? interrupted_at : 0);
  }

  void carry_out(Kept& kept, const storage::TruncationName& cut, unsigned failing_call) {
    testing::FaultyFiles faults(disk_);
    faults.fail_call(failing_call);
    const storage::TruncationEnd end = storage::carry_out_truncation({&faults, kept.log->directory()}, cut);
    if (faults.has_failed()) return cut_short_by_power_loss();
    ASSERT_EQ(end, storage::TruncationEnd::done);
    kept.log->end_truncation(end);
    take_over(kept, cut.offset);
    ++truncated;
  }

  void cut_short_by_power_loss() {
    ++cut_short;
    crash();
  }

  /// The log ends at `end` now.
  static void take_over(Kept& kept, Offset end) {
    std::size_t at = 0;
    for (Offset next{0}; next < end;) {
      const storage::BatchHeader header = *storage::parse_batch_header(Bytes(kept.written).subspan(at));
      next = header.next_offset();
      at += header.size_bytes;
    }
    kept.written.resize(at);
    kept.places.erase(kept.places.lower_bound(end), kept.places.end());
    kept.acked = std::min(kept.acked, end);
    kept.cut.reset();
  }

  void checkpoint() {
    const std::optional<JournalPosition> from = journal_->next();
    round(SyncMeans::files);
    for (Kept& kept : logs_) {
      static_cast<void>(kept.log->checkpoint().has_value());
      kept.in_manifest = kept.log->recovery_state();
      kept.log->manifest_written();
    }
    if (!from) return;
    replay_from_ = from;
    journal_->release(*from);
  }

  /// Up to any record that was acknowledged, maybe inside a batch, and the manifest says so before anything is synced.
  void delete_records() {
    Kept& kept = logs_[dice_() % kLogs];
    const Offset start = kept.log->log_start_offset();
    const auto more = static_cast<std::uint64_t>(kept.acked - start);
    ASSERT_TRUE(kept.log->advance_log_start(start + static_cast<std::int64_t>(more == 0 ? 0 : dice_() % (more + 1))));
    kept.in_manifest = kept.log->recovery_state();
    kept.log->manifest_written();
  }

  /// Where the batch begins that holds the offset, or the next one would.
  static std::size_t place_of(const Kept& kept, Offset offset) {
    const auto behind = kept.places.upper_bound(offset);
    if (behind == kept.places.begin()) return 0;
    const std::size_t at = std::prev(behind)->second;
    const Bytes batch = Bytes(kept.written).subspan(at);
    if (batch.empty()) return at;
    const storage::BatchHeader header = *storage::parse_batch_header(batch);
    return header.next_offset() > offset ? at : at + header.size_bytes;
  }

  void reopen(std::size_t i, const JournalContents& contents, storage::RecoveryReport& report) {
    Kept& kept = logs_[i];
    auto opened =
        Log::open(place(i), config(), {.identity = identity(i), .recovery = {.known = kept.in_manifest}, .journal = &contents}, report);
    ASSERT_TRUE(opened.has_value());
    kept.log = std::move(*opened);
    ASSERT_FALSE(kept.log->is_offline()) << kept.log->offline_reason();
    ASSERT_TRUE(kept.log->damage().empty()) << "log " << i << " has a hole";
    if (kept.cut) {
      const Offset end = kept.log->end_offset();
      ASSERT_TRUE(end == *kept.cut || end == end_of(kept)) << "log " << i << " ends at " << end.value;
      if (end == *kept.cut) take_over(kept, end);
      kept.cut.reset();
    }
    ASSERT_GE(kept.log->end_offset(), kept.acked) << "log " << i << " lost acknowledged records";
    BatchBytes stored;
    for (Offset at = kept.log->log_start_offset(); at < kept.log->end_offset();) {
      const Result<storage::Slice> slice = kept.log->read({.from = at, .limit = kept.log->end_offset(), .max_bytes = 1U << 20});
      ASSERT_TRUE(slice && !slice->empty());
      const BatchBytes bytes = testing::LogFixture::bytes_of(*slice);
      stored.insert(stored.end(), bytes.begin(), bytes.end());
      at = slice->next_offset;
    }
    const std::size_t from = place_of(kept, kept.log->log_start_offset());
    ASSERT_LE(from + stored.size(), kept.written.size());
    kept.written.resize(from + stored.size());
    kept.places.erase(kept.places.lower_bound(kept.log->end_offset()), kept.places.end());
    ASSERT_TRUE(std::ranges::equal(stored, Bytes(kept.written).subspan(from))) << "log " << i << " holds other bytes than were appended";
    kept.acked = kept.log->end_offset();  // Recovery synced it, so whoever reads it may count on it.
  }

  static Offset end_of(const Kept& kept) {
    Offset end{0};
    for (Bytes rest(kept.written); !rest.empty(); rest = rest.subspan(storage::parse_batch_header(rest)->size_bytes)) {
      end = storage::parse_batch_header(rest)->next_offset();
    }
    return end;
  }

  std::mt19937 dice_;
  MemoryFiles disk_;
  std::array<Kept, kLogs> logs_;
  std::unique_ptr<SharedJournal> journal_ = std::make_unique<SharedJournal>();
  std::optional<JournalPosition> replay_from_;
  std::uint64_t ignored_ = 0;
};

TEST(JournaledLog, LosesNothingAcknowledgedByPowerLoss) {
  std::uint64_t restored = 0, journaled = 0, refused = 0, truncated = 0, cut_short = 0, manifests = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    Machine machine(seed);
    for (int step = 0; step < 120 && !::testing::Test::HasFatalFailure(); ++step) machine.step();
    if (!::testing::Test::HasFatalFailure()) machine.crash();
    if (::testing::Test::HasFatalFailure()) {
      ADD_FAILURE() << "seed " << seed;
      return;
    }
    restored += machine.restored;
    journaled += machine.journaled;
    refused += machine.refused;
    truncated += machine.truncated;
    cut_short += machine.cut_short;
    manifests += machine.manifests_before_truncations;
  }
  EXPECT_GT(restored, 1000U);
  EXPECT_GT(journaled, 1000U);
  EXPECT_GT(refused, 10U) << "the journal was never full";
  EXPECT_GT(truncated, 500U);
  EXPECT_GT(cut_short, 100U);
  EXPECT_GT(manifests, 100U);
}

}  // namespace
}  // namespace tidelog::broker
