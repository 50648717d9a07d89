#pragma once

#include "broker/partition/services.h"
#include "storage/compaction/cleaning.h"

namespace tidelog::broker {

/// What the cleaning of one log may use.
struct CleaningLimits {
  storage::CleaningMeans means;
  double bytes_per_second = 0;  ///< Read and written together.
  SteadyTime rest{};            ///< How long the log is left alone afterwards.
};

/// What came of it.
struct CleaningOutcome {
  std::uint64_t passes = 0;
  bool has_failed = false;
  std::uint64_t records_read = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

/// Cleans one log, in as many passes as its keys need, and carries out a swap that was left. Nothing happens if the partition is gone or
/// its log needs no cleaning any more. Ends early when the partition is taken away or the broker stops. Thread: the owner's loop; blocks on
/// the blocking pool only. `outcome` outlives it.
asio::awaitable<void> clean_partition(ShardServices& owner, TopicPartition id, CleaningLimits limits, CleaningOutcome& outcome);

}  // namespace tidelog::broker
