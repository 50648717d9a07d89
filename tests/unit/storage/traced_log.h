#pragma once

#include "storage/journal/contents.h"
#include "storage/manifest.h"
#include "tests/support/traced_files.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::testing {

inline constexpr const char* kTracedDisk = "disk";
inline constexpr std::size_t kBatchBytes = 88;  ///< Of one batch with one record, as `make_batch` makes it.

/// Two such batches a segment, and an index entry for the second.
inline storage::LogConfig two_a_segment() {
  storage::LogConfig config;
  config.segment_bytes = 2 * kBatchBytes + 24;
  config.index_interval_bytes = 50;
  return config;
}

/// A disk that keeps an account of what is done to it.
struct TracedDisk {
  MemoryFiles memory;
  FaultyFiles faults{memory};
  TracedFiles files{faults};

  TracedDisk() {
    EXPECT_TRUE(memory.make_directory(kTracedDisk));
    EXPECT_TRUE(memory.sync_disk(kTracedDisk));
  }
};

/// A log on it, and what a broker does to that.
class TracedLog {
 public:
  explicit TracedLog(TracedDisk& disk, std::string name = "topic-0", const storage::LogConfig& config = two_a_segment())
      : disk_(disk), directory_(std::string(kTracedDisk) + "/" + std::move(name)), config_(config) {
    log_ = *storage::Log::create(place(), identity(), config_);
  }

  [[nodiscard]] storage::LogPlace place() const { return {&disk_.files, directory_}; }
  [[nodiscard]] storage::LogIdentity identity() const {
    return {.topic_id = kIdentity.topic_id, .log_id = kIdentity.log_id + static_cast<std::uint64_t>(directory_.back() - '0')};
  }
  [[nodiscard]] storage::Log& log() { return *log_; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  /// One call with so many batches. False: refused.
  bool append(int batches = 1) {
    std::vector<BatchBytes> made;
    for (int i = 0; i < batches; ++i) made.push_back(make_batch(log_->end_offset() + i));
    const std::vector<Bytes> views(made.begin(), made.end());
    return log_->append(views).has_value();
  }
  void round() {
    const storage::SyncTicket ticket = log_->begin_sync();
    ASSERT_TRUE(ticket.sync(disk_.files));
    log_->finish_sync(ticket);
  }
  void drop() { log_.reset(); }
  void reopen(const storage::RecoveryRequest& request, const storage::JournalContents* journal = nullptr) {
    drop();
    storage::RecoveryReport report;
    auto opened = storage::Log::open(place(), config_, {.identity = identity(), .recovery = request, .journal = journal}, report);
    ASSERT_TRUE(opened);
    log_ = std::move(*opened);
  }

 private:
  TracedDisk& disk_;
  std::string directory_;
  storage::LogConfig config_;
  std::unique_ptr<storage::Log> log_;
};

/// As a broker does at a checkpoint and when a log start has to survive.
inline void write_manifest(TracedDisk& disk, const std::vector<TracedLog*>& logs, storage::Manifest manifest = {}) {
  for (TracedLog* each : logs) {
    const storage::LogIdentity identity = each->identity();
    manifest.logs.push_back({.partition = {.topic_id = identity.topic_id, .partition = {static_cast<std::int32_t>(identity.log_id)}},
                             .log_id = identity.log_id,
                             .recovery = each->log().recovery_state()});
  }
  ASSERT_TRUE(store_manifest(disk.files, kTracedDisk, manifest));
  for (TracedLog* each : logs) each->log().manifest_written();
}

}  // namespace tidelog::testing
