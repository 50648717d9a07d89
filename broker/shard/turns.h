#pragma once

#include "broker/shard/signal.h"

#include <deque>
#include <memory>

namespace tidelog::broker {

/// Lets one coroutine at a time through, in the order they came. Thread: one loop.
/// Crash: a turn may be destroyed after its queue (a frame destroyed late), so what they share belongs to both.
class Turns {
  struct State {
    bool is_taken = false;
    std::deque<Signal*> waiting;
  };

 public:
  explicit Turns(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// Held while it is somebody's turn.
  class Turn {
   public:
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (state_ == nullptr) return;
      if (state_->waiting.empty()) {
        state_->is_taken = false;
      } else {
        state_->waiting.front()->notify();
        state_->waiting.pop_front();
      }
    }

   private:
    friend class Turns;
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  asio::awaitable<Turn> take() {
    const std::shared_ptr<State> state = state_;
    if (state->is_taken) {
      Signal mine(executor_);
      state->waiting.push_back(&mine);
      co_await mine.wait();
    }
    state->is_taken = true;
    co_return Turn(state);
  }

 private:
  asio::any_io_executor executor_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tidelog::broker
