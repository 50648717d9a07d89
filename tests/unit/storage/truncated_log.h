#pragma once

#include "storage/log/producer_snapshot.h"
#include "storage/manifest.h"
#include "tests/support/truncate_log.h"
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

namespace tidelog::testing {

/// A log with the manifest of its disk, as a broker without a journal would keep it.
class TruncatedLog {
 public:
  static constexpr TopicPartition kPartition{.topic_id = kIdentity.topic_id, .partition = {0}};

  explicit TruncatedLog(const storage::LogConfig& config = small_segments(600)) : fixture_(config) {}

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] storage::Log& log() { return fixture_.log(); }
  [[nodiscard]] MemoryFiles& disk() { return fixture_.disk(); }

  /// A batch of one to three records; every second one has a producer, and an epoch lasts for twelve.
  static BatchSpec spec(int number) {
    const bool has_producer = number % 2 == 0;
    return {.records = 1 + number % 3,
            .epoch = {number / 12},
            .producer = {has_producer ? 4 + number % 4 : -1},
            .producer_epoch = static_cast<std::int16_t>(has_producer ? 0 : -1),
            .sequence = has_producer ? number : -1};
  }
  /// Appends batches number `from` to `to` - 1, each in a call of its own.
  void fill(int from, int to) {
    for (int number = from; number < to; ++number) EXPECT_NE(fixture_.append(spec(number)), Offset{-1});
  }

  bool save_manifest() {
    storage::Manifest manifest;
    manifest.logs.push_back({.partition = kPartition, .log_id = kIdentity.log_id, .recovery = log().recovery_state()});
    if (!storage::store_manifest(fixture_.faults(), "disk", manifest)) return false;
    log().manifest_written();
    return true;
  }
  bool checkpoint() { return fixture_.sync() && log().checkpoint().has_value() && save_manifest(); }

  Result<void> truncate(Offset to) {
    if (!fixture_.sync()) return Errc::io;
    return truncate_log(log(), fixture_.faults(), to, {.write_base = {}, .write_manifest = [this] { return save_manifest(); }});
  }

  /// Ends the process, by power loss perhaps, and opens the log by the manifest on disk. False: the disk failed that.
  bool restart_after_crash(bool with_power_loss) {
    fixture_.drop();
    if (with_power_loss) disk().crash();
    const auto loaded = storage::load_manifest(fixture_.faults(), "disk");
    if (!loaded) return false;
    const storage::ManifestEntry* entry = loaded->manifest.find(kPartition, kIdentity.log_id);
    return fixture_.try_reopen(
        {.known = entry == nullptr ? std::nullopt : std::optional(entry->recovery), .writes_survived = !with_power_loss});
  }

  /// The producers that the log remembers, as a snapshot has them.
  std::string producers() { return storage::encode_producer_snapshot(log().producers().entries()); }
  /// Where each epoch ended, by asking.
  std::vector<storage::EpochEnd> epochs() {
    std::vector<storage::EpochEnd> ends;
    for (int epoch = 0; epoch <= log().latest_epoch().value; ++epoch) ends.push_back(log().end_offset_for_epoch({epoch}));
    return ends;
  }
  [[nodiscard]] bool has_file(std::string_view ending) {
    return std::ranges::any_of(disk().names(kLogDirectory), [&](const std::string& name) { return name.ends_with(ending); });
  }

 private:
  LogFixture fixture_;
};

/// What is left of a reading below `end`.
inline LogReading cut_reading(LogReading reading, Offset end) {
  std::erase_if(reading.batches, [&](const auto& each) { return each.first >= end; });
  std::erase_if(reading.refused, [&](Offset offset) { return offset >= end; });
  reading.end = end;
  return reading;
}

}  // namespace tidelog::testing
