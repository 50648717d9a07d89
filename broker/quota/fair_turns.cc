#include "broker/quota/fair_turns.h"

namespace tidelog::broker {

void FairTurns::State::line_up(Waiter& waiter, SteadyTime now) {
  const TurnTaker& taker = waiter.taker;
  Crowd& crowd = crowds.add(taker.address, by_address.score(taker.address, now), waiter.number);
  crowd.add(taker.connection, by_connection.score(taker.connection, now), waiter.number).emplace(waiter.number, &waiter);
  ends.emplace(std::pair(waiter.until, waiter.number), &waiter);
}

void FairTurns::State::forget(const Waiter& waiter) {
  ends.erase({waiter.until, waiter.number});
  Crowd& crowd = crowds.at(waiter.taker.address);
  Line& line = crowd.at(waiter.taker.connection);
  line.erase(waiter.number);
  if (line.empty()) crowd.remove(waiter.taker.connection);
  if (crowd.empty()) crowds.remove(waiter.taker.address);
}

void FairTurns::State::pass_on(const std::shared_ptr<State>& state) {
  if (state->crowds.empty()) {
    state->is_taken = false;
    return;
  }
  Crowd& crowd = state->crowds.at(state->crowds.first());
  crowd.at(crowd.first()).begin()->second->leave(Turn(state));
}

void FairTurns::State::dismiss_late(SteadyTime now) {
  while (!ends.empty() && ends.begin()->first.first <= now) ends.begin()->second->leave(std::nullopt);
}

void FairTurns::State::charge(const TurnTaker& taker, SteadyTime cost, SteadyTime now) {
  crowds.rescore(taker.address, by_address.add(taker.address, cost, now));
  const SpentLately::Score score = by_connection.add(taker.connection, cost, now);
  if (crowds.has(taker.address)) crowds.at(taker.address).rescore(taker.connection, score);
}

}  // namespace tidelog::broker
