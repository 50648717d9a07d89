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

/// Reads one log whole, as far as it was synced, and compares every checksum. What is found damaged is told, and not served any more.
/// Returns early when the partition is taken away or `must_stop` becomes true.
/// Thread: the owner's loop; files are read on the blocking pool, a slice at a time, at `bytes_per_second`. `must_stop` and `counts`
/// outlive it; the first is read there and may be set elsewhere.
asio::awaitable<void> scrub_partition(Env& env, ShardServices& owner, TopicPartition id, double bytes_per_second,
                                      const std::atomic<bool>& must_stop, ScrubCounts& counts);

}  // namespace tidelog::broker
