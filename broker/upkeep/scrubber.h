#pragma once

#include "broker/log_dir.h"
#include "broker/partition/services.h"
#include "broker/shard/gate.h"
#include "broker/upkeep/scrub_run.h"

#include <atomic>
#include <span>

namespace tidelog::broker {

/// Reads all logs again and again (`log.scrub.interval.ms`), one at a time and slowly (`log.scrub.max.bytes.per.second`), so that what rots
/// on the disk is found while another copy of it may exist.
///
/// Thread: the first shard's loop; each log is scrubbed on its owner's.
/// Crash: when the last scrub that went over all logs began is kept in the log directory, `scrub-checkpoint`; one that was cut short begins
/// anew.
class Scrubber {
 public:
  Scrubber(Env& env, std::span<const std::unique_ptr<ShardServices>> shards);

  void start(const LogDir& dir);
  /// Returns when the slice under way has ended.
  asio::awaitable<void> stop();
  /// Since the start. Of the scrub under way as well.
  [[nodiscard]] const ScrubCounts& counts() const { return counts_; }

 private:
  asio::awaitable<void> run();
  asio::awaitable<void> scrub_all();
  [[nodiscard]] const BrokerOptions& options() const { return *shards_.front()->options; }
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  const LogDir* dir_ = nullptr;
  Gate gate_;
  Signal wake_;
  Timer timer_;
  std::int64_t last_began_ms_ = 0;  ///< Of the last one that went over all logs; 0: there was none.
  ScrubCounts counts_;
  std::atomic<bool> stopping_ = false;  ///< Set here, looked at on every shard.
};

}  // namespace tidelog::broker
