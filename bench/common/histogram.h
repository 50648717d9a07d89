#pragma once

#include <array>
#include <cstdint>

namespace tidelog::bench {

/// Counts of durations in nanoseconds in log-linear buckets: 64 per power of two, so a quantile is off by at most 1.6 %.
class Histogram {
 public:
  void record(std::uint64_t nanoseconds);
  /// The smallest recorded value (rounded up to its bucket's end) that `share` of all values do not exceed; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(double share) const;
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  static constexpr int kSubBits = 6;
  static constexpr int kBuckets = (64 - kSubBits + 1) << kSubBits;

  static int bucket_of(std::uint64_t value);
  static std::uint64_t upper_bound_of(int bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace tidelog::bench
