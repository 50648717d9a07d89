#include "tests/sim/disk.h"
#include "tests/support/clean_log.h"
#include "tests/support/reference_cleaner.h"

#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

using testing::PlainBatch;
using testing::PlainRecord;

constexpr storage::LogIdentity kIdentity{.topic_id = {.bytes = {std::byte{7}}}, .log_id = 42};
const std::string kDirectory = "/srv/data/topic-0";
constexpr TimestampMs kNow{1'000'000};
constexpr std::int64_t kRetention = 5000;

storage::LogConfig config() {
  storage::LogConfig config;
  config.segment_bytes = 900;
  config.index_interval_bytes = 200;
  config.compaction = {.is_on = true, .min_dirty_ratio = 0, .delete_retention_ms = kRetention};
  return config;
}

/// A log of some segments on a disk, cleaned once some time ago and dirty since.
class CompactionCrash {
 public:
  explicit CompactionCrash(std::uint64_t seed) : world_(seed), disk_(world_, world_.dice("disk")), dice_(world_.dice("test")) {
    EXPECT_TRUE(disk_.make_directory(kDirectory));
    log_ = *storage::Log::create(place(), kIdentity, config());
    fill(40);
    save();
    const auto first = clean(kNow - kRetention - 1);
    EXPECT_TRUE(first && first->has_value());
    fill(30);
    save();
    // What the manifest does not know yet, though it is synced: recovery reads it from the file that the manifest names.
    fill(20);
    sync();
    before_ = stored();
  }

  [[nodiscard]] storage::LogPlace place() { return {.files = &disk_, .directory = kDirectory}; }
  [[nodiscard]] SimDisk& disk() { return disk_; }
  [[nodiscard]] storage::Log& log() { return *log_; }
  [[nodiscard]] bool is_open() const { return log_ != nullptr; }

  Result<std::optional<testing::CleanedPass>> clean(TimestampMs now) {
    return testing::clean_once(*log_, disk_, {.now = now, .limit = log_->end_offset(), .step_bytes = 200});
  }

  /// What cleaning the log has to come to, whatever happens meanwhile.
  std::vector<PlainBatch> wanted() {
    const auto plan = storage::plan_cleaning(*log_->compaction_facts(log_->end_offset()), log_->config().compaction, kNow);
    const testing::ReferenceCleaner reference(
        before_, {.plan = *plan, .now = kNow, .delete_retention_ms = kRetention, .map_capacity = 1000, .producers = *log_->last_batches()});
    return reference.result();
  }

  /// Ends the process and perhaps the machine, and opens the log again as the manifest has it.
  void crash(CrashKind kind) {
    log_.reset();
    disk_.crash(kind, {});
    reopen();
  }
  void reopen() {
    storage::RecoveryReport report;
    auto opened = storage::Log::open(place(), config(), {.identity = kIdentity, .recovery = {.known = known_, .full_check = true}}, report);
    log_ = opened ? std::move(*opened) : nullptr;
  }

  /// Without what only spans offsets.
  std::vector<PlainBatch> stored() {
    std::vector<std::byte> bytes;
    for (Offset from = log_->log_start_offset(); from < log_->end_offset();) {
      const Result<storage::Slice> slice = log_->read({.from = from, .limit = log_->end_offset(), .max_bytes = 1U << 20});
      if (!slice || slice->empty()) {
        ADD_FAILURE() << "nothing at offset " << from.value;
        break;
      }
      const std::size_t at = bytes.size();
      bytes.resize(at + slice->size_bytes);
      EXPECT_TRUE(slice->file->read_at(slice->position, MutableBytes(bytes).subspan(at)));
      from = slice->next_offset;
    }
    std::vector<PlainBatch> batches = testing::decode_all(bytes);
    EXPECT_LE(batches.front().base, log_->log_start_offset());
    EXPECT_EQ(batches.back().last + 1, log_->end_offset());
    std::erase_if(batches, [](const PlainBatch& batch) { return batch.is_filler(); });
    return batches;
  }

  /// Each batch is as before or as cleaned, and none is there that was in neither.
  void expect_old_or_new(const std::vector<PlainBatch>& wanted) {
    const std::vector<PlainBatch> now = stored();
    for (const PlainBatch& batch : now) {
      const bool is_known = std::ranges::count(before_, batch) + std::ranges::count(wanted, batch) > 0;
      EXPECT_TRUE(is_known) << "batch at offset " << batch.base.value;
    }
    for (const PlainBatch& batch : wanted) {
      const bool is_there = std::ranges::any_of(now, [&](const PlainBatch& other) { return other.base == batch.base; });
      EXPECT_TRUE(is_there) << "batch at offset " << batch.base.value << " is lost";
    }
  }

  /// Deletes the older half of the log, as DeleteRecords does: the manifest first, then the files.
  void delete_half() {
    EXPECT_TRUE(log_->advance_log_start({log_->end_offset().value / 2}));
    save();
    EXPECT_TRUE(log_->remove_segments_below_start());
  }

  [[nodiscard]] std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const storage::DirEntry& entry : *disk_.list(kDirectory)) names.push_back(entry.name);
    return names;
  }
  Dice& dice() { return dice_; }

 private:
  void fill(int batches) {
    for (int i = 0; i < batches; ++i) {
      PlainBatch batch{.base = log_->end_offset(), .codec = i % 3 == 0 ? proto::Codec::lz4 : proto::Codec::none};
      const int records = 1 + static_cast<int>(dice_.below(3));
      for (int r = 0; r < records; ++r) {
        PlainRecord record{.offset = batch.base + r, .timestamp = kNow, .key = std::to_string(dice_.below(12))};
        if (dice_.below(4) != 0) record.value = "value " + std::to_string(batch.base.value + r);
        batch.records.push_back(std::move(record));
      }
      batch.last = batch.base + (records - 1);
      batch.max_timestamp = kNow;
      if (i % 4 == 0) {
        batch.producer = {1 + i % 3};
        batch.producer_epoch = 0;
        batch.sequence = static_cast<std::int32_t>(batch.base.value);
      }
      const std::vector<std::byte> bytes = testing::encode(batch);
      const Bytes view(bytes);
      EXPECT_TRUE(log_->append(std::span(&view, 1)));
    }
  }

  void sync() {
    const storage::SyncTicket ticket = log_->begin_sync();
    EXPECT_TRUE(ticket.sync(disk_));
    log_->finish_sync(ticket);
  }

  /// A checkpoint.
  void save() {
    sync();
    EXPECT_TRUE(log_->checkpoint());
    known_ = log_->recovery_state();
    log_->manifest_written();
    EXPECT_TRUE(disk_.sync_disk(kDirectory));
  }

  World world_;
  SimDisk disk_;
  Dice dice_;
  std::unique_ptr<storage::Log> log_;
  storage::RecoveryPoint known_;
  std::vector<PlainBatch> before_;
};

/// Stops the disk before its `changes`-th change in a pass; false once the pass ends before.
bool crash_in_a_pass(std::uint64_t seed, std::uint64_t changes, CrashKind kind) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", crash at change " + std::to_string(changes));
  CompactionCrash crash(seed);
  const std::vector<PlainBatch> wanted = crash.wanted();
  crash.disk().stop_after(changes, [] {});
  static_cast<void>(crash.clean(kNow).has_value());
  const bool has_stopped = crash.disk().is_stopped();
  crash.crash(kind);
  // Recovery itself may be cut short, once.
  crash.disk().stop_after(1 + crash.dice().below(6), [] {});
  crash.reopen();
  if (crash.disk().is_stopped())
    crash.crash(kind);
  else
    crash.disk().stop_after(UINT64_MAX / 2, [] {});

  EXPECT_FALSE(crash.log().is_offline()) << crash.log().offline_reason();
  if (crash.log().is_offline()) return false;
  crash.expect_old_or_new(wanted);
  const auto again = crash.clean(kNow);
  EXPECT_TRUE(again) << "a crash leaves nothing that keeps the next pass from running";
  EXPECT_EQ(crash.stored(), wanted);
  for (const std::string& name : crash.names()) {
    EXPECT_FALSE(name.ends_with(".swap") || name.ends_with(".cleaned") || name.ends_with(".deleted")) << name;
  }
  return has_stopped;
}

TEST(CompactionCrash, AtAnyChangeLosesNothingToPowerLoss) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    for (std::uint64_t change = 1; crash_in_a_pass(seed, change, CrashKind::power_loss); ++change) ++crashes;
  }
  EXPECT_GT(crashes, 500U);
}

/// The same while segments that were just swapped in are deleted.
bool crash_in_a_deletion(std::uint64_t seed, std::uint64_t changes) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", crash at change " + std::to_string(changes) + " of the deletion");
  CompactionCrash crash(seed);
  EXPECT_TRUE(crash.clean(kNow));
  std::vector<PlainBatch> wanted = crash.stored();
  crash.disk().stop_after(changes, [] {});
  crash.delete_half();
  const bool has_stopped = crash.disk().is_stopped();
  if (!has_stopped) return false;
  crash.crash(CrashKind::power_loss);
  EXPECT_TRUE(crash.is_open() && !crash.log().is_offline());
  if (!crash.is_open() || crash.log().is_offline()) return false;
  std::vector<PlainBatch> left = crash.stored();
  const auto is_below = [&](const PlainBatch& batch) { return batch.last < crash.log().log_start_offset(); };
  std::erase_if(wanted, is_below);
  std::erase_if(left, is_below);
  EXPECT_EQ(left, wanted);
  return has_stopped;
}

TEST(CompactionCrash, InADeletionLeavesNoHole) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= 40 && !::testing::Test::HasFailure(); ++seed) {
    for (std::uint64_t change = 1; crash_in_a_deletion(seed, change); ++change) ++crashes;
  }
  EXPECT_GT(crashes, 100U);
}

TEST(CompactionCrash, AtAnyChangeLosesNothingToAKilledProcess) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= 10 && !::testing::Test::HasFailure(); ++seed) {
    for (std::uint64_t change = 1; crash_in_a_pass(seed, change, CrashKind::process_kill); ++change) ++crashes;
  }
  EXPECT_GT(crashes, 80U);
}

}  // namespace
}  // namespace tidelog::sim
