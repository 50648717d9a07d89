#pragma once

#include <cstddef>

namespace tidelog::broker {

/// Bytes of memory that the process has now; 0 if the system does not tell.
std::size_t resident_bytes();

/// Gives memory that was freed back to the system while the process is large. The C library keeps what lies between blocks that live on:
/// after a crowd whose requests came in all sizes that is several times what is in use, and nobody who plans a machine plans with it.
/// Thread: one, that no loop waits for; loops that allocate wait for milliseconds at most.
class FreedMemory {
 public:
  /// Nothing is done while the process is no larger than `bytes`.
  explicit FreedMemory(std::size_t bytes) : small_(bytes) {}

  /// Call now and then. True: some was given back, or at least looked for.
  bool look();

 private:
  std::size_t small_;
  std::size_t left_ = 0;  ///< How large the process was after the last time: it is worth nothing before it has grown.
};

}  // namespace tidelog::broker
