#pragma once

#include "broker/shard/signal.h"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace tidelog::broker {

/// Lets one coroutine at a time through, those of the lowest rank first and of equals the one that came first. Nobody waits beyond the time
/// it has: whoever gets a turn sends away those whose time is over, so none is looked for while no turn ends. Thread: one loop.
/// Crash: a turn, and one who waits for it, may be destroyed after their queue, so what they share belongs to all of them.
class FairTurns {
 public:
  /// What somebody had before, on two scales: the second decides between equals of the first.
  struct Rank {
    SteadyTime first{};
    SteadyTime second{};
    auto operator<=>(const Rank&) const = default;
  };

 private:
  struct Waiter;
  using Place = std::pair<Rank, std::uint64_t>;

  struct State {
    bool is_taken = false;
    std::uint64_t came = 0;
    std::map<Place, Waiter*> waiting;
    std::set<std::pair<SteadyTime, Place>> ends;

    void pass_on();
    void dismiss_late(SteadyTime now);
    void forget(const Waiter& waiter);
  };

  /// In the frame of the one who waits.
  struct Waiter {
    Waiter(std::shared_ptr<State> of, asio::any_io_executor executor, const Rank& rank, SteadyTime end)
        : state(std::move(of)), woken(std::move(executor)), place(rank, state->came++), until(end) {
      state->waiting.emplace(place, this);
      state->ends.emplace(until, place);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { state->forget(*this); }

    std::shared_ptr<State> state;
    Signal woken;
    Place place;
    SteadyTime until;
    bool has_turn = false;
  };

 public:
  explicit FairTurns(Loop& loop) : loop_(loop) {}

  /// Held while it is somebody's turn.
  class Turn {
   public:
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (state_ != nullptr) state_->pass_on();
    }

   private:
    friend class FairTurns;
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  /// None: `until` came first.
  asio::awaitable<std::optional<Turn>> take(Rank rank, SteadyTime until) {
    const std::shared_ptr<State> state = state_;
    if (state->is_taken) {
      Waiter mine(state, loop_.executor(), rank, until);
      co_await mine.woken.wait();
      if (!mine.has_turn) co_return std::nullopt;
    }
    state->is_taken = true;
    Turn turn(state);
    const SteadyTime now = loop_.now();
    state->dismiss_late(now);
    if (now >= until) co_return std::nullopt;
    co_return std::move(turn);
  }

  [[nodiscard]] std::size_t waiting() const { return state_->waiting.size(); }

 private:
  Loop& loop_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline void FairTurns::State::pass_on() {
  if (waiting.empty()) {
    is_taken = false;
    return;
  }
  Waiter& next = *waiting.begin()->second;
  forget(next);
  next.has_turn = true;
  next.woken.notify();
}

inline void FairTurns::State::dismiss_late(SteadyTime now) {
  while (!ends.empty() && ends.begin()->first <= now) {
    Waiter& late = *waiting.at(ends.begin()->second);
    forget(late);
    late.woken.notify();
  }
}

inline void FairTurns::State::forget(const Waiter& waiter) {
  waiting.erase(waiter.place);
  ends.erase({waiter.until, waiter.place});
}

}  // namespace tidelog::broker
