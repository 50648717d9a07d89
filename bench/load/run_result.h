#pragma once

#include "bench/common/histogram.h"

#include <chrono>
#include <cstdint>
#include <map>

namespace tidelog::bench {

using Clock = std::chrono::steady_clock;

/// What one run of a scenario brought.
struct RunResult {
  std::uint64_t requests = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;         ///< Record batch bytes that were acknowledged or fetched; not frames, not bare values.
  std::uint64_t order_errors = 0;  ///< Answers out of order, gaps or steps back in offsets, broken CRCs.
  std::map<std::int16_t, std::uint64_t> error_codes;
  double seconds = 0;
  Histogram latency;

  [[nodiscard]] std::uint64_t errors() const {
    std::uint64_t total = order_errors;
    for (const auto& [code, count] : error_codes) total += count;
    return total;
  }
};

inline std::uint64_t nanoseconds_between(Clock::time_point from, Clock::time_point to) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count());
}

}  // namespace tidelog::bench
