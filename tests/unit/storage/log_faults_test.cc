#include "storage/manifest.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::Log;
using storage::Manifest;

constexpr const char* kDisk = "disk";
constexpr TopicPartition kPartition{.topic_id = kIdentity.topic_id, .partition = {0}};

/// A broker's life with one log, in which any call to the disk may fail. Keeps what was appended and what was acknowledged, and checks
/// after every restart that nothing acknowledged is gone or changed.
class Scenario {
 public:
  explicit Scenario(std::size_t failing_call) {
    EXPECT_TRUE(disk_.make_directory(kDisk));
    EXPECT_TRUE(disk_.sync_disk(kDisk));
    if (failing_call > 0) faults_.fail_call(failing_call);
  }

  [[nodiscard]] bool has_failed() const { return faults_.has_failed(); }

  void run() {
    start();
    for (int round = 0; round < 6; ++round) produce(round);
    checkpoint();
    for (int round = 6; round < 9; ++round) produce(round);
    stop_cleanly();
    start();
    produce(9);
    trim();
    checkpoint();
    trim();
    produce(10);
    kill(false);
    start();
    delete_records();
    produce(11);
    delete_records();
    kill(false);
    start();
    checkpoint();
    produce(12, false);
    delete_records();
    kill(true);
    start();
    produce(13);
  }

  /// Whatever happened: with a disk that works again everything acknowledged is there, and nothing that was deleted.
  void check_in_the_end(bool with_power_loss) {
    faults_.heal();
    kill(with_power_loss);
    start();
    ASSERT_NE(log_, nullptr);
    ASSERT_FALSE(log_->is_offline()) << log_->offline_reason();
    produce(14);
    ASSERT_EQ(acknowledged_, log_->end_offset());
  }

 private:
  [[nodiscard]] storage::LogPlace place() { return {&faults_, kLogDirectory}; }

  /// As a broker does: a start that fails is tried again, by whoever started it.
  void start() {
    for (int attempt = 0; attempt < 2 && (log_ == nullptr || log_->is_offline()); ++attempt) try_start();
    if (log_ != nullptr && !log_->is_offline()) expect_acknowledged();
  }

  void try_start() {
    log_ = nullptr;
    const auto manifest = storage::load_manifest(faults_, kDisk);
    if (!manifest) return;
    EXPECT_NE(manifest->state, storage::ManifestState::corrupt);
    const Result<storage::LogIdentity> identity = storage::read_identity(place());
    Result<std::unique_ptr<Log>> log = Errc::closed;
    if (identity) {
      const storage::ManifestEntry* entry = manifest->manifest.find(kPartition, identity->log_id);
      const auto known = entry == nullptr ? std::nullopt : std::optional(entry->recovery);
      storage::RecoveryReport report;
      log = Log::open(place(), config_, {.identity = *identity, .recovery = {known, false}}, report);
    } else if (!created_) {
      log = Log::create(place(), kIdentity, config_);
      created_ = log.has_value();
    }
    if (log) log_ = std::move(*log);
    if (log_ != nullptr) stored_.resize(static_cast<std::size_t>(log_->end_offset().value));
  }

  void produce(int round, bool with_sync = true) {
    for (int pass = 0; pass < 3 && log_ != nullptr; ++pass) {
      append(round * 3 + pass);
      if (with_sync) sync();
      read_back();
    }
  }

  void append(int number) {
    const auto next = log_->end_offset();
    const LeaderEpoch epoch{number / 10};
    const BatchSpec spec{.value_bytes = static_cast<std::size_t>(10 + number % 7),
                         .epoch = epoch,
                         .timestamps = {1000 + number},
                         .producer = {1},
                         .producer_epoch = 0,
                         .sequence = static_cast<std::int32_t>(next.value)};
    const std::vector<BatchBytes> batches{make_batch(next, spec), make_batch(next + 1, {.epoch = epoch})};
    const std::vector<Bytes> views(batches.begin(), batches.end());
    const Result<Offset> end = log_->append(views);
    ASSERT_EQ(log_->end_offset(), end ? next + 2 : next);
    if (!end) return;
    stored_.insert(stored_.end(), batches.begin(), batches.end());
  }

  void sync() {
    const storage::SyncTicket ticket = log_->begin_sync();
    if (!ticket.sync(faults_)) return log_->take_offline("a sync failed");
    log_->finish_sync(ticket);
    if (!log_->is_offline()) acknowledged_ = std::max(acknowledged_, ticket.end_offset);
  }

  void read_back() {
    const auto slice = log_->read({.from = log_->log_start_offset(), .limit = log_->end_offset(), .max_bytes = 300});
    if (!slice || slice->empty()) return;
    const auto at = static_cast<std::size_t>(slice->first_offset.value);
    const BatchBytes& expected = stored_.at(at);
    BatchBytes bytes(expected.size());
    const auto got = slice->file->read_at(slice->position, bytes);
    if (got) EXPECT_EQ(bytes, expected);
  }

  void checkpoint() {
    if (log_ == nullptr || log_->is_offline()) return;
    sync();
    static_cast<void>(log_->checkpoint().has_value());
    write_manifest();
  }

  bool write_manifest() {
    Manifest manifest;
    manifest.logs.push_back({.partition = kPartition, .log_id = kIdentity.log_id, .recovery = log_->recovery_state()});
    if (!storage::store_manifest(faults_, kDisk, manifest)) return false;
    log_->manifest_written();
    return true;
  }

  /// As DeleteRecords does it: the start moves, the manifest says so, that is answered, and then the files go.
  void delete_records() {
    if (log_ == nullptr || !log_->advance_log_start(std::max(log_->log_start_offset(), acknowledged_ - 4))) return;
    if (!write_manifest()) return;
    EXPECT_EQ(log_->durable_log_start(), log_->log_start_offset());
    deleted_below_ = log_->log_start_offset();
    static_cast<void>(log_->remove_segments_below_start().has_value());
  }

  void trim() {
    if (log_ == nullptr) return;
    static_cast<void>(log_->advance_log_start(std::max(log_->log_start_offset(), acknowledged_ - 9)).has_value());
    static_cast<void>(log_->delete_old_segments({0}, acknowledged_).has_value());
    static_cast<void>(log_->max_timestamp(acknowledged_).has_value());
    static_cast<void>(log_->offset_for_timestamp({1005}, acknowledged_).has_value());
  }

  void stop_cleanly() {
    checkpoint();
    if (log_ != nullptr) log_->close();
    log_ = nullptr;
  }

  void kill(bool with_power_loss) {
    log_ = nullptr;
    if (with_power_loss) disk_.crash();
  }

  void expect_acknowledged() {
    ASSERT_GE(log_->end_offset(), acknowledged_);
    ASSERT_GE(log_->log_start_offset(), deleted_below_);
    for (Offset from = log_->log_start_offset(); from < acknowledged_;) {
      const auto slice = log_->read({.from = from, .limit = acknowledged_, .max_bytes = 1});
      if (!slice && faults_.has_failed()) return;
      ASSERT_TRUE(slice && !slice->empty()) << "offset " << from.value;
      const BatchBytes& expected = stored_.at(static_cast<std::size_t>(from.value));
      BatchBytes bytes(slice->size_bytes);
      const auto got = slice->file->read_at(slice->position, bytes);
      if (got) ASSERT_EQ(bytes, expected) << "offset " << from.value;
      from = slice->next_offset;
    }
  }

  MemoryFiles disk_;
  FaultyFiles faults_{disk_};
  storage::LogConfig config_ = small_segments(700);
  std::unique_ptr<Log> log_;
  bool created_ = false;
  std::vector<BatchBytes> stored_;  ///< By offset: every batch has one record.
  Offset acknowledged_{0};
  Offset deleted_below_{0};  ///< The start of the log that was answered last.
};

TEST(LogFaults, LoseNothingAcknowledgedWhicheverCallFails) {
  for (const bool with_power_loss : {false, true}) {
    for (std::size_t call = 1;; ++call) {
      Scenario scenario(call);

      scenario.run();
      const bool has_failed = scenario.has_failed();
      scenario.check_in_the_end(with_power_loss);

      if (::testing::Test::HasFailure()) FAIL() << "call " << call << (with_power_loss ? " and power loss" : "");
      if (has_failed) continue;
      EXPECT_GT(call, 300U);
      break;
    }
  }
}

}  // namespace
}  // namespace tidelog::testing
