#pragma once

#include <atomic>
#include <cstddef>

namespace tidelog::broker {

/// What the groups of all coordinators of a broker take in memory. Thread: any.
class GroupsMemory {
 public:
  /// A coordinator's groups took `before`, and take `now`.
  void change(std::size_t before, std::size_t now) { used_.fetch_add(now - before, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  /// Of `limit`.
  [[nodiscard]] std::size_t left(std::size_t limit) const {
    const std::size_t taken = used();
    return taken < limit ? limit - taken : 0;
  }

 private:
  std::atomic<std::size_t> used_{0};
};

}  // namespace tidelog::broker
