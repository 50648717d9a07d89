#pragma once

#include "broker/shard/shard.h"

namespace tidelog::broker {

/// Memory for what a request makes its handler lay out: a share of its shard's pool of answers, or, for more than a request of which others
/// can live beside, the node's overdraft. Thread: the shard's loop.
class AnswerMemory {
 public:
  /// So much comes from the pool.
  [[nodiscard]] static bool fits_pool(Shard& shard, std::size_t bytes) { return bytes <= shard.response_budget()->most_for_large(); }
  /// No request has more.
  [[nodiscard]] static std::size_t most_bytes(Shard& shard) {
    return std::max(shard.overdraft()->most_bytes(), shard.response_budget()->most_for_large());
  }

  /// Has `bytes` from now on; false, with nothing changed, if they are not there now.
  [[nodiscard]] bool try_resize(Shard& shard, std::size_t bytes) {
    if (fits_pool(shard, bytes)) return turn_.is_held() || share_.try_resize(shard.response_budget(), bytes);
    if (!turn_.is_held()) turn_ = shard.overdraft()->try_take();
    if (turn_.is_held()) share_.release();
    return turn_.is_held();
  }
  void release() {
    share_.release();
    turn_.release();
  }
  [[nodiscard]] std::size_t pooled_bytes() const { return share_.bytes(); }
  [[nodiscard]] bool is_overdraft() const { return turn_.is_held(); }

 private:
  BudgetShare share_;
  Overdraft::Turn turn_;
};

}  // namespace tidelog::broker
