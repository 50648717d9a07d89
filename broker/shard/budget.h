#pragma once

#include "broker/shard/signal.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Bytes a shard may hold for its connections. Empty: whoever asks waits, and its socket is not read meanwhile.
/// The last quarter is for small takers, and half of it for the smallest alone, so that a few peers with large requests cannot keep
/// everybody else waiting. Thread: one loop.
class Budget {
 public:
  static constexpr std::size_t kSmallBytes = 64 * 1024;

  explicit Budget(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// True and taken, or false and nothing changed. `instead_of` bytes, taken before, are given back soon after: they do not count here.
  /// Whoever has nobody beside it may exceed the limit, or a request near the limit could never be read.
  [[nodiscard]] bool try_take(std::size_t bytes, std::size_t instead_of = 0) {
    if (!has_room(bytes, instead_of)) return false;
    used_bytes_ += bytes;
    return true;
  }
  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t instead_of = 0) const {
    const std::size_t others = used_bytes_ - instead_of;
    return others == 0 || others + bytes <= most_for(bytes);
  }

  /// Taken whether there is room or not: for what is there already.
  void take(std::size_t bytes) { used_bytes_ += bytes; }

  void give(std::size_t bytes) {
    used_bytes_ -= bytes;
    for (Signal* waiter : std::exchange(waiting_, {})) waiter->notify();
  }

  /// Notifies `waiter` once when bytes came back. Call `stop_waiting` before it dies.
  void notify_when_given(Signal& waiter) { waiting_.push_back(&waiter); }
  void stop_waiting(Signal& waiter) { std::erase(waiting_, &waiter); }

  [[nodiscard]] std::size_t limit_bytes() const { return limit_bytes_; }
  /// What those may use together who take much at once.
  [[nodiscard]] std::size_t most_for_large() const { return limit_bytes_ - limit_bytes_ / 4; }
  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }
  /// Time to do without what is merely convenient.
  [[nodiscard]] bool is_scarce() const { return used_bytes_ > limit_bytes_ / 2; }
  [[nodiscard]] bool is_exceeded() const { return used_bytes_ > limit_bytes_; }

 private:
  [[nodiscard]] std::size_t most_for(std::size_t bytes) const {
    if (bytes <= kSmallBytes) return limit_bytes_;
    return bytes <= limit_bytes_ / kModestShare ? limit_bytes_ - limit_bytes_ / 8 : most_for_large();
  }

  static constexpr std::size_t kModestShare = 16;  ///< Up to this part of all, it is not much at once.
  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
  std::vector<Signal*> waiting_;
};

/// Bytes of a budget that go back with it. Thread: the budget's loop.
class BudgetShare {
 public:
  BudgetShare() = default;
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;
  BudgetShare& operator=(BudgetShare&& other) noexcept {
    release();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~BudgetShare() { release(); }

  /// Grows or shrinks to `bytes`; false, with nothing changed, if the budget lacks them.
  [[nodiscard]] bool try_resize(const std::shared_ptr<Budget>& budget, std::size_t bytes) {
    if (bytes > bytes_ && !budget->try_take(bytes - bytes_)) return false;
    if (bytes < bytes_) budget->give(bytes_ - bytes);
    budget_ = budget;
    bytes_ = bytes;
    return true;
  }
  /// The same for what is there already.
  void resize(const std::shared_ptr<Budget>& budget, std::size_t bytes) {
    if (bytes > bytes_) budget->take(bytes - bytes_);
    if (bytes < bytes_) budget->give(bytes_ - bytes);
    budget_ = budget;
    bytes_ = bytes;
  }
  void release() {
    if (bytes_ > 0) budget_->give(std::exchange(bytes_, 0));
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Budget> budget_;
  std::size_t bytes_ = 0;
};

}  // namespace tidelog::broker
