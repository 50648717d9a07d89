#pragma once

#include "broker/quota/fair_line.h"
#include "broker/shard/signal.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace tidelog::broker {

/// Lets one coroutine at a time through. What a turn costs is known when it was had, so those go first who had least lately: by address,
/// and of one address by connection. Whoever takes turns of a hundred milliseconds, on however many connections, waits behind all who do
/// not; somebody whom nobody knows yet waits for the turn that is being had. Nobody waits beyond the time it has: whoever gets a turn sends
/// away those whose time is over, so none is looked for while no turn ends. Thread: one loop. Crash: a turn, and one who waits for it, may
/// be destroyed after their queue, so what they share belongs to all of them.
class FairTurns {
  struct Waiter;

  struct State {
    bool is_taken = false;
    std::uint64_t came = 0;
    SharesHad had;
    FairLine<Waiter> line;
    std::map<std::pair<SteadyTime, std::uint64_t>, Waiter*> ends;

    void line_up(Waiter& waiter, SteadyTime now);
    void forget(const Waiter& waiter);
    static void pass_on(const std::shared_ptr<State>& state);
    void dismiss_late(SteadyTime now);
    void charge(const TurnTaker& taker, SteadyTime cost, SteadyTime now);
  };

 public:
  /// Held while it is somebody's turn.
  class Turn {
   public:
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) noexcept = delete;
    ~Turn() {
      if (state_ != nullptr) State::pass_on(state_);
    }

   private:
    friend class FairTurns;
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

 private:
  /// In the frame of the one who waits. Destroyed with a turn that nobody took, it passes it on.
  struct Waiter {
    Waiter(std::shared_ptr<State> of, const TurnTaker& who, SteadyTime end, Loop& loop)
        : state(std::move(of)), taker(who), until(end), number(state->came++), woken(loop.executor()) {
      state->line_up(*this, loop.now());
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() {
      if (!is_out) state->forget(*this);
    }
    /// Wakes it, with a turn or without.
    void leave(std::optional<Turn> with) {
      state->forget(*this);
      is_out = true;
      if (with) turn.emplace(*std::move(with));
      woken.notify();
    }

    std::shared_ptr<State> state;
    TurnTaker taker;
    SteadyTime until;
    std::uint64_t number;
    Signal woken;
    bool is_out = false;
    std::optional<Turn> turn;
  };

 public:
  explicit FairTurns(Loop& loop) : loop_(loop) {}

  /// None: `until` came first.
  asio::awaitable<std::optional<Turn>> take(TurnTaker taker, SteadyTime until) {
    if (loop_.now() >= until) co_return std::nullopt;
    const std::shared_ptr<State> state = state_;
    std::optional<Turn> turn;
    if (state->is_taken) {
      Waiter mine(state, taker, until, loop_);
      co_await mine.woken.wait();
      if (!mine.turn) co_return std::nullopt;
      turn.emplace(*std::move(mine.turn));
    } else {
      state->is_taken = true;
      turn.emplace(Turn(state));
    }
    const SteadyTime now = loop_.now();
    state->dismiss_late(now);
    if (now >= until) co_return std::nullopt;
    co_return turn;
  }

  /// What the turn that is being had has cost so far.
  void charge(const TurnTaker& taker, SteadyTime cost) { state_->charge(taker, cost, loop_.now()); }

  [[nodiscard]] std::size_t waiting() const { return state_->ends.size(); }

 private:
  Loop& loop_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tidelog::broker
