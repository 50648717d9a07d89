#pragma once

#include "proto/record/builder.h"
#include "storage/log/log.h"
#include "tests/support/faulty_files.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::testing {

using BatchBytes = std::vector<std::byte>;

/// What a test wants of a batch.
struct BatchSpec {
  int records = 1;
  std::size_t value_bytes = 20;
  LeaderEpoch epoch{0};
  std::vector<std::int64_t> timestamps{};  ///< Of the records; missing ones: 1000.
  ProducerId producer{-1};
  std::int16_t producer_epoch = -1;
  std::int32_t sequence = -1;
  proto::Codec codec = proto::Codec::none;
  std::optional<TimestampMs> claimed_time{};  ///< What the header says is the greatest of its timestamps; else what is true.
};

inline BatchBytes make_batch(Offset base, const BatchSpec& spec = {}) {
  proto::BatchBuilder builder;
  const std::string value(spec.value_bytes, 'v');
  for (int i = 0; i < spec.records; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t time = at < spec.timestamps.size() ? spec.timestamps[at] : 1000;
    builder.append({.timestamp = {time}, .key = {}, .value = std::as_bytes(std::span(value)), .headers = {}});
  }
  const Bytes bytes = builder.build({.codec = spec.codec,
                                     .base_offset = base,
                                     .leader_epoch = spec.epoch,
                                     .producer_id = spec.producer,
                                     .producer_epoch = spec.producer_epoch,
                                     .base_sequence = spec.sequence,
                                     .max_timestamp = spec.claimed_time});
  return {bytes.begin(), bytes.end()};
}

inline constexpr storage::LogIdentity kIdentity{.topic_id = {.bytes = {std::byte{7}}}, .log_id = 42};
inline constexpr const char* kLogDirectory = "disk/topic-0";

/// A log on a disk in memory, with what every test does to it.
class LogFixture {
 public:
  explicit LogFixture(const storage::LogConfig& config = {}) : config_(config) {
    EXPECT_TRUE(disk_.make_directory("disk"));
    EXPECT_TRUE(disk_.sync_disk("disk"));
    log_ = *storage::Log::create(place(), kIdentity, config_);
  }

  [[nodiscard]] storage::LogPlace place() { return {&faults_, kLogDirectory}; }
  [[nodiscard]] storage::Log& log() { return *log_; }
  [[nodiscard]] MemoryFiles& disk() { return disk_; }
  [[nodiscard]] FaultyFiles& faults() { return faults_; }
  [[nodiscard]] storage::RecoveryReport& report() { return report_; }
  [[nodiscard]] storage::LogConfig& config() { return config_; }
  [[nodiscard]] static std::string path(const std::string& name) { return std::string(kLogDirectory) + "/" + name; }

  /// One call of `append` with one batch for each spec; the end offset, or -1 where it failed.
  Offset append(const std::vector<BatchSpec>& specs) {
    std::vector<BatchBytes> batches;
    Offset next = log_->end_offset();
    for (const BatchSpec& spec : specs) {
      batches.push_back(make_batch(next, spec));
      next = next + spec.records;
    }
    const std::vector<Bytes> views(batches.begin(), batches.end());
    const Result<Offset> end = log_->append(views);
    return end ? *end : Offset{-1};
  }
  Offset append(const BatchSpec& spec = {}) { return append(std::vector<BatchSpec>{spec}); }

  /// Syncs everything, as the flusher does.
  bool sync() {
    const storage::SyncTicket ticket = log_->begin_sync();
    if (!ticket.sync(faults_)) return log_->take_offline("sync failed"), false;
    log_->finish_sync(ticket);
    return true;
  }

  /// Ends the process without a word and opens the log again. `known`: what the manifest says.
  storage::Log& reopen(std::optional<storage::RecoveryPoint> known, bool full_check = false) {
    return reopen_after({.known = known, .full_check = full_check});
  }
  storage::Log& reopen_after(const storage::RecoveryRequest& request) {
    const bool is_open = try_reopen(request);
    EXPECT_TRUE(is_open);
    return *log_;
  }
  /// False if the disk failed it.
  bool try_reopen(const storage::RecoveryRequest& request) {
    log_.reset();
    report_ = {};
    auto opened = storage::Log::open(place(), config_, {.identity = kIdentity, .recovery = request}, report_);
    if (opened) log_ = std::move(*opened);
    return opened.has_value();
  }
  /// Stops cleanly and opens again.
  storage::Log& restart() {
    EXPECT_TRUE(sync());
    log_->close();
    const storage::RecoveryPoint point = log_->recovery_state();
    return reopen(point);
  }
  void drop() { log_.reset(); }

  /// The bytes of everything from `from` to the end, read in slices of at most `max_bytes`.
  BatchBytes read_all(Offset from, std::size_t max_bytes = 1U << 20) {
    BatchBytes all;
    while (from < log_->end_offset()) {
      const Result<storage::Slice> slice = log_->read({.from = from, .limit = log_->end_offset(), .max_bytes = max_bytes});
      if (!slice || slice->empty()) {
        ADD_FAILURE() << "nothing at offset " << from.value;
        return all;
      }
      const BatchBytes bytes = bytes_of(*slice);
      all.insert(all.end(), bytes.begin(), bytes.end());
      from = slice->next_offset;
    }
    return all;
  }
  static BatchBytes bytes_of(const storage::Slice& slice) {
    BatchBytes bytes(slice.size_bytes);
    if (slice.empty()) return bytes;
    const Result<std::size_t> got = slice.file->read_at(slice.position, bytes);
    EXPECT_TRUE(got && *got == bytes.size());
    return bytes;
  }

 private:
  MemoryFiles disk_;
  FaultyFiles faults_{disk_};
  storage::LogConfig config_;
  storage::RecoveryReport report_;
  std::unique_ptr<storage::Log> log_;
};

/// Splits stored bytes into batches; fails the test if they are not whole ones with rising offsets.
inline std::vector<storage::BatchHeader> headers_of(Bytes bytes) {
  std::vector<storage::BatchHeader> headers;
  while (!bytes.empty()) {
    const Result<storage::BatchHeader> header = storage::parse_batch_header(bytes);
    if (!header || header->size_bytes > bytes.size()) {
      ADD_FAILURE() << "a batch is split after " << headers.size() << " whole ones";
      break;
    }
    if (!headers.empty()) EXPECT_EQ(header->base_offset, headers.back().next_offset());
    headers.push_back(*header);
    bytes = bytes.subspan(header->size_bytes);
  }
  return headers;
}

/// Segments of about `bytes`, indexed every 200 bytes: several of everything with few records.
inline storage::LogConfig small_segments(std::uint32_t bytes = 1000) {
  storage::LogConfig config;
  config.segment_bytes = bytes;
  config.index_interval_bytes = 200;
  return config;
}

}  // namespace tidelog::testing
