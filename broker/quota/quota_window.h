#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace tidelog::broker {

/// How far back a quota looks: `count` samples of `size` each, the last of which is being filled.
struct QuotaWindowShape {
  std::size_t count = 11;
  std::chrono::nanoseconds size = std::chrono::seconds(1);

  [[nodiscard]] std::chrono::nanoseconds whole() const { return size * static_cast<std::int64_t>(count); }
  /// What may pass at once under a limit: more could never fit.
  [[nodiscard]] double burst(double limit_per_second) const {
    const std::size_t filled = count > 1 ? count - 1 : 1;
    return limit_per_second * std::chrono::duration<double>(size * static_cast<std::int64_t>(filled)).count();
  }
};

/// What passed lately, and what rate that is, as Kafka counts it: amounts are kept in samples; one that was not added to for the whole
/// window is forgotten; the rate is their sum over the time since the oldest began, and that time is never less than `count` - 1 samples,
/// so that a burst after silence is spread over them. Pure: the time is handed in and does not go back.  Invariant: at most `count` + 1
/// samples.
class QuotaWindow {
 public:
  using Time = std::chrono::nanoseconds;

  void record(double amount, Time now, const QuotaWindowShape& shape);
  /// How long nothing may pass until the rate with `extra` more is down to the limit; zero if it is not above it. At most the whole window.
  [[nodiscard]] Time wait_for(double limit_per_second, double extra, Time now, const QuotaWindowShape& shape);
  /// Nothing passed within the window.
  [[nodiscard]] bool is_idle(Time now, const QuotaWindowShape& shape) const;

  /// What the samples of one window come to at most.
  [[nodiscard]] static std::size_t most_bytes(const QuotaWindowShape& shape) { return (shape.count + 1) * sizeof(Sample); }

 private:
  struct Sample {
    Time begin;
    Time last;
    double amount = 0;
  };

  void forget_old(Time now, const QuotaWindowShape& shape);
  void add(Time now, const QuotaWindowShape& shape);
  [[nodiscard]] Time counted_time(Time now, const QuotaWindowShape& shape) const;

  std::vector<Sample> samples_;  ///< Oldest first. There may be thousands of windows with one each, so no deque: that takes half a KiB.
};

}  // namespace tidelog::broker
