#include "bench/common/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidelog::bench {

int Histogram::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t kLinear = std::uint64_t{1} << kSubBits;
  if (value < kLinear) return static_cast<int>(value);
  const int shift = std::bit_width(value) - 1 - kSubBits;
  const auto within = static_cast<int>((value >> shift) - kLinear);
  return ((shift + 1) << kSubBits) + within;
}

std::uint64_t Histogram::upper_bound_of(int bucket) {
  constexpr int kLinear = 1 << kSubBits;
  if (bucket < kLinear) return static_cast<std::uint64_t>(bucket);
  const int shift = (bucket >> kSubBits) - 1;
  const int within = (bucket & (kLinear - 1)) + kLinear;
  return ((static_cast<std::uint64_t>(within) + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t nanoseconds) {
  ++counts_[static_cast<std::size_t>(bucket_of(nanoseconds))];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

std::uint64_t Histogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets && count_ > 0; ++bucket) {
    seen += counts_[static_cast<std::size_t>(bucket)];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(upper_bound_of(bucket), max_);
  }
  return 0;
}

}  // namespace tidelog::bench
