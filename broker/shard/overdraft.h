#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace tidelog::broker {

/// What one request at a time may have beside its shard's pool: pools are split over the shards, and what a client may ask for in one
/// request shall not shrink with their number.
/// Thread: any. Life: shared, since a turn may end after its shard.
class Overdraft : public std::enable_shared_from_this<Overdraft> {
 public:
  explicit Overdraft(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Held by the one request that is beyond its pool. Thread: one at a time.
  class Turn {
   public:
    Turn() = default;
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&& other) noexcept {
      release();
      of_ = std::move(other.of_);
      return *this;
    }
    ~Turn() { release(); }
    void release() {
      if (of_ != nullptr) std::exchange(of_, nullptr)->is_taken_.store(false, std::memory_order_release);
    }
    [[nodiscard]] bool is_held() const { return of_ != nullptr; }

   private:
    friend class Overdraft;
    std::shared_ptr<Overdraft> of_;
  };

  /// Not held if somebody else has it. Nobody is told when it comes back: ask again after a while.
  [[nodiscard]] Turn try_take() {
    Turn turn;
    if (!is_taken_.exchange(true, std::memory_order_acquire)) turn.of_ = shared_from_this();
    return turn;
  }
  [[nodiscard]] std::size_t most_bytes() const { return most_bytes_; }

 private:
  std::size_t most_bytes_;
  std::atomic<bool> is_taken_ = false;
};

}  // namespace tidelog::broker
