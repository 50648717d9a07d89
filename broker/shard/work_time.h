#pragma once

#include "broker/env/env.h"

#include <utility>

namespace tidelog::broker {

/// How long loops were busy for somebody. Only what runs counts: a coroutine that waits is not busy, and `Signal` knows when it waits; a
/// job on another shard counts as long as it runs there (`run_on`).
/// Thread: the loop it begins on. Invariant: one at most runs on a thread, and none while its coroutine waits.
class WorkTime {
 public:
  /// Counts while it exists. Does nothing without a payer, and inside of another piece, which counts already.
  class Piece {
   public:
    Piece(WorkTime* payer, const Loop& loop) : payer_(payer != nullptr && running_ == nullptr ? payer : nullptr) {
      if (payer_ != nullptr) payer_->begin(loop);
    }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
    /// A frame that is destroyed while it waits finds that nothing runs, and touches nothing: its payer may be gone.
    ~Piece() {
      if (payer_ != nullptr && running_ == payer_) payer_->end();
    }

   private:
    WorkTime* payer_;
  };

  /// What this thread works for; null: for nobody who pays.
  [[nodiscard]] static WorkTime* running() { return running_; }
  /// A coroutine is about to wait. What it returns goes to `go_on` behind the wait.
  [[nodiscard]] static WorkTime* pause() {
    WorkTime* const paused = running_;
    if (paused != nullptr) paused->end();
    return paused;
  }
  static void go_on(WorkTime* paused) {
    if (paused != nullptr) paused->begin(*paused->loop_);
  }

  void add(SteadyTime time) { spent_ += time; }
  /// What was spent since the last call, until now.
  [[nodiscard]] SteadyTime take() {
    if (running_ == this) {
      end();
      begin(*loop_);
    }
    return std::exchange(spent_, SteadyTime::zero());
  }

 private:
  void begin(const Loop& loop) {
    loop_ = &loop;
    began_ = loop.now();
    running_ = this;
  }
  void end() {
    spent_ += loop_->now() - began_;
    running_ = nullptr;
  }

  static inline constinit thread_local WorkTime* running_ = nullptr;
  const Loop* loop_ = nullptr;
  SteadyTime began_{};
  SteadyTime spent_{};
};

}  // namespace tidelog::broker
