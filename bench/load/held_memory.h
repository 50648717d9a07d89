#pragma once

#include <cstdint>

namespace tidelog::bench {

/// Holds written memory until SIGTERM, so that what is measured right afterwards finds pages that exist. In a virtual machine the
/// host backs a page only when it is first written and may take it back soon after it was freed: appending to a file in fresh
/// memory was measured five times slower than in memory used a moment before, and whoever ran first paid for all.
class HeldMemory {
 public:
  /// Takes `bytes`, or less when `spare_bytes` would not stay available to others.
  HeldMemory(std::uint64_t bytes, std::uint64_t spare_bytes);
  ~HeldMemory();
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  static void wait_for_signal();

 private:
  void* memory_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace tidelog::bench
