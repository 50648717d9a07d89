#pragma once

#include "broker/env/env.h"

#include <array>
#include <cstdint>

namespace tidelog::broker {

class Timers;

/// One pending deadline. Lives inside its owner; leaving the wheel is part of its destruction.
class Timer {
 public:
  explicit Timer(Job on_expiry) : on_expiry_(std::move(on_expiry)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void cancel();
  [[nodiscard]] bool is_armed() const { return wheel_ != nullptr; }

 private:
  friend class Timers;
  Job on_expiry_;
  Timers* wheel_ = nullptr;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  std::size_t slot_ = 0;
  SteadyTime deadline_{};
};

/// The coarse wheel of a shard: arming and cancelling is a list operation, however many timers there are. Deadlines are kept to the next
/// tick, never early. Thread: its loop.
class Timers {
 public:
  static constexpr SteadyTime kTick = std::chrono::milliseconds(2);

  explicit Timers(Loop& loop);
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers();

  /// Arms, or moves, a timer.
  void arm(Timer& timer, SteadyTime deadline);
  void arm_in(Timer& timer, SteadyTime delay) { arm(timer, loop_.now() + delay); }

 private:
  friend class Timer;
  static constexpr std::size_t kSlots = 4096;

  static std::int64_t tick_of(SteadyTime time) { return time / kTick; }
  void unlink(Timer& timer);
  void on_alarm();
  void expire_slot(std::size_t slot, SteadyTime now);
  void schedule_next();

  Loop& loop_;
  std::array<Timer*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};
  std::int64_t done_tick_;  ///< Every slot up to this tick has been looked at.
  std::size_t armed_ = 0;
};

}  // namespace tidelog::broker
