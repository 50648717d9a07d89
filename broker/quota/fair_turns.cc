#include "broker/quota/fair_turns.h"

namespace tidelog::broker {

void FairTurns::State::line_up(Waiter& waiter, SteadyTime now) {
  line.add(waiter, had.of(waiter.taker, now));
  ends.emplace(std::pair(waiter.until, waiter.number), &waiter);
}

void FairTurns::State::forget(const Waiter& waiter) {
  ends.erase({waiter.until, waiter.number});
  line.remove(waiter);
}

void FairTurns::State::pass_on(const std::shared_ptr<State>& state) {
  if (state->line.empty()) {
    state->is_taken = false;
    return;
  }
  state->line.first().leave(Turn(state));
}

void FairTurns::State::dismiss_late(SteadyTime now) {
  while (!ends.empty() && ends.begin()->first.first <= now) ends.begin()->second->leave(std::nullopt);
}

void FairTurns::State::charge(const TurnTaker& taker, SteadyTime cost, SteadyTime now) {
  line.rescore_address(taker, had.add_to_address(taker, cost, now));
  line.rescore_connection(taker, had.add_to_connection(taker, cost, now));
}

}  // namespace tidelog::broker
