#pragma once

#include <sys/types.h>

#include <cstdint>

namespace tidelog::bench {

/// What the kernel says of the measured process, all its threads together.
struct ProcessStats {
  double cpu_seconds = 0;  ///< User and system; in steps of 10 ms, so runs should last seconds.
  double user_seconds = 0;
  std::uint64_t rss_bytes = 0;   ///< VmRSS.
  std::uint64_t peak_bytes = 0;  ///< VmHWM.
  std::uint64_t threads = 0;
};

/// Reads /proc; all zero for pid 0 (no process named).
ProcessStats read_process(pid_t pid);

}  // namespace tidelog::bench
