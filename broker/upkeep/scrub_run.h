#pragma once

#include "broker/partition/services.h"

#include <atomic>
#include <cstdint>

namespace tidelog::broker {

/// What scrubbing came to, summed over the logs it is handed to.
struct ScrubCounts {
  std::uint64_t logs = 0;
  std::uint64_t bytes = 0;
  std::uint64_t ranges_damaged = 0;
  std::uint64_t failures = 0;  ///< Logs that could not be read to their end.
};

/// How one log is read.
struct ScrubOrder {
  TopicPartition id;
  double bytes_per_second;
  const std::atomic<bool>& must_stop;  ///< Outlives the scrub; read on the owner's loop, and may be set elsewhere.
};

/// Reads one log whole, as far as it was synced, and compares every checksum. What is found damaged is told, and not served any more.
/// Returns early when the partition is taken away or `must_stop` becomes true.
/// Thread: the owner's loop; files are read on the blocking pool, a slice at a time, at `bytes_per_second`. `counts` outlives it.
asio::awaitable<void> scrub_partition(ShardServices& owner, ScrubOrder order, ScrubCounts& counts);

}  // namespace tidelog::broker
