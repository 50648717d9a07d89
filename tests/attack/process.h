#pragma once

#include <cstdint>

namespace tidelog::attack {

/// Memory of another process as the kernel counts it, in bytes; 0 if it is gone.
struct Memory {
  std::uint64_t resident = 0;
  std::uint64_t peak = 0;  ///< Since the process began, or `forget_peak`.
};
Memory memory_of(int pid);
/// Lets the peak begin anew. Needs to own the process.
void forget_peak(int pid);
bool is_alive(int pid);

}  // namespace tidelog::attack
