#pragma once

#include "broker/shard/signal.h"

#include <cstddef>
#include <vector>

namespace tidelog::broker {

/// Bytes a shard may hold for its connections. Empty: whoever asks waits, and its socket is not read meanwhile.
/// Thread: one loop.
class Budget {
 public:
  explicit Budget(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// True and taken, or false and nothing changed. A first taker may exceed the limit, or a request near the limit could never be read.
  [[nodiscard]] bool try_take(std::size_t bytes) {
    if (used_bytes_ != 0 && used_bytes_ + bytes > limit_bytes_) return false;
    used_bytes_ += bytes;
    return true;
  }

  void give(std::size_t bytes) {
    used_bytes_ -= bytes;
    for (Signal* waiter : std::exchange(waiting_, {})) waiter->notify();
  }

  /// Notifies `waiter` once when bytes came back. Call `stop_waiting` before it dies.
  void notify_when_given(Signal& waiter) { waiting_.push_back(&waiter); }
  void stop_waiting(Signal& waiter) { std::erase(waiting_, &waiter); }

  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }

 private:
  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
  std::vector<Signal*> waiting_;
};

}  // namespace tidelog::broker
