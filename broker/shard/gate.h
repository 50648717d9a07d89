#pragma once

#include "broker/shard/signal.h"

#include <memory>

namespace tidelog::broker {

/// Counts the coroutines an owner started, so that it can wait for the last of them before it goes.
/// Thread: one loop. Crash: a pass may outlive its gate (a frame destroyed late), so what they share belongs to both.
class Gate {
  struct State {
    explicit State(asio::any_io_executor executor) : drained(std::move(executor)) {}
    Signal drained;
    std::size_t running = 0;
    bool closed = false;
  };

 public:
  explicit Gate(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

  /// Held by value in each coroutine that runs under the gate.
  class Pass {
   public:
    Pass(Pass&& other) noexcept = default;
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (state_ != nullptr && --state_->running == 0 && state_->closed) state_->drained.notify();
    }

   private:
    friend class Gate;
    explicit Pass(std::shared_ptr<State> state) : state_(std::move(state)) { ++state_->running; }
    std::shared_ptr<State> state_;
  };

  [[nodiscard]] bool is_closed() const { return state_->closed; }
  [[nodiscard]] Pass enter() { return Pass(state_); }

  /// Returns when nothing runs under the gate any more. Call once.
  asio::awaitable<void> close() {
    const std::shared_ptr<State> state = state_;
    state->closed = true;
    while (state->running > 0) co_await state->drained.wait();
  }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tidelog::broker
