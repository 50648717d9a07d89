#pragma once

#include "broker/partition/services.h"
#include "broker/shard/gate.h"

#include <memory>
#include <optional>
#include <span>

namespace tidelog::broker {

/// What compaction did since the start.
struct CleanerCounts {
  std::uint64_t passes = 0;
  std::uint64_t failures = 0;
  std::uint64_t records_read = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

/// Runs compaction: looks at the logs of compacted topics now and then (log.cleaner.backoff.ms) and cleans those that need it, the dirtiest
/// first, as many at a time as log.cleaner.threads says.
///
/// Thread: the first shard's loop. What concerns a partition runs on its owner's; files are read, written and renamed on the blocking pool,
/// a slice at a time, with pauses as log.cleaner.io.max.bytes.per.second wants them.
/// Crash: between any two steps the log reads as before or as cleaned (`storage/compaction/swap.h`).
class LogCleaner {
 public:
  LogCleaner(Env& env, std::span<const std::unique_ptr<ShardServices>> shards);

  void start();
  /// Returns when the cleanings under way have ended, each after its slice or its swap.
  asio::awaitable<void> stop();
  [[nodiscard]] const CleanerCounts& counts() const { return counts_; }

 private:
  /// A log that needs cleaning, and how badly.
  struct Candidate {
    TopicPartition id;
    bool is_due = false;  ///< By time, whatever the ratio.
    double dirty_ratio = 0;
  };

  asio::awaitable<void> run();
  asio::awaitable<void> work();
  asio::awaitable<std::optional<Candidate>> find_candidate();
  static void look(ShardServices& services, Partition& partition, std::optional<Candidate>& best);
  [[nodiscard]] const BrokerOptions& options() const { return *shards_.front()->options; }
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  Gate gate_;
  Signal wake_;
  Timer timer_;
  std::int32_t workers_ = 0;
  CleanerCounts counts_;
  bool stopping_ = false;
};

}  // namespace tidelog::broker
