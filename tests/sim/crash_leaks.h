#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define TIDELOG_SIM_HAS_LSAN 1
#endif
#endif

namespace tidelog::sim {

/// While one of these is alive, what is allocated may be leaked without a report by LeakSanitizer: a crash leaves coroutines behind that
/// wait on something in their own frame (see SimEnv). Leaks of a broker that stops cleanly are for the tests on real processes.
class CrashLeaks {
 public:
  CrashLeaks() {
#ifdef TIDELOG_SIM_HAS_LSAN
    __lsan_disable();
#endif
  }
  CrashLeaks(const CrashLeaks&) = delete;
  CrashLeaks& operator=(const CrashLeaks&) = delete;
  ~CrashLeaks() {
#ifdef TIDELOG_SIM_HAS_LSAN
    __lsan_enable();
#endif
  }
};

}  // namespace tidelog::sim
