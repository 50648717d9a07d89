#pragma once

#include "broker/shard/shard.h"
#include "broker/shard/signal.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tidelog::broker {

/// Keeps a rate over slices by saying how long to pause after each.
class Throttle {
 public:
  explicit Throttle(double bytes_per_second) : rate_(std::max(bytes_per_second, 1.0)) {}

  [[nodiscard]] std::uint64_t slice_bytes() const {
    return static_cast<std::uint64_t>(std::clamp(rate_ / kPausesPerSecond, kLeastSliceBytes, kSliceBytes));
  }
  /// When the next slice may begin, after `bytes` were moved in one that began at `began`.
  [[nodiscard]] SteadyTime next_after(SteadyTime began, std::uint64_t bytes) const {
    const double seconds = std::min(static_cast<double>(bytes) / rate_, 1e6);
    return began + std::chrono::duration_cast<SteadyTime>(std::chrono::duration<double>(seconds));
  }

 private:
  /// Read and written between two looks at whether to go on: some tens of milliseconds of one blocking thread.
  static constexpr double kSliceBytes = 4 << 20;
  static constexpr double kLeastSliceBytes = 16 << 10;
  /// A slow limit is kept by pauses of about this length.
  static constexpr double kPausesPerSecond = 10;

  double rate_;
};

/// Pauses in work that has to notice soon when it is to stop. Thread: the shard's loop.
class Pauses {
 public:
  explicit Pauses(Shard& shard) : shard_(shard), slept_(shard.loop().executor()), timer_([this] { slept_.notify(); }) {}

  /// Returns at `when`, or soon after `must_stop` says so.
  template <class MustStop>
  asio::awaitable<void> until(SteadyTime when, MustStop must_stop) {
    while (shard_.loop().now() < when && !must_stop()) {
      shard_.timers().arm(timer_, std::min(when, shard_.loop().now() + kLongestPause));
      co_await slept_.wait();
    }
  }

 private:
  static constexpr SteadyTime kLongestPause = std::chrono::milliseconds(100);

  Shard& shard_;
  Signal slept_;
  Timer timer_;
};

}  // namespace tidelog::broker
