#pragma once

#include "broker/quota/least_first.h"
#include "broker/quota/turn_taker.h"

#include <compare>
#include <cstdint>
#include <map>

namespace tidelog::broker {

/// How much of something each address had lately, and each connection. Thread: one.
class SharesHad {
 public:
  using Score = SpentLately::Score;
  using Time = SpentLately::Time;

  struct Scores {
    Score address = SpentLately::kOfNothing;
    Score connection = SpentLately::kOfNothing;
  };
  [[nodiscard]] Scores of(const TurnTaker& taker, Time now) {
    return {.address = by_address_.score(taker.address, now), .connection = by_connection_.score(taker.connection, now)};
  }
  /// Both return the new score.
  Score add_to_address(const TurnTaker& taker, Time amount, Time now) { return by_address_.add(taker.address, amount, now); }
  Score add_to_connection(const TurnTaker& taker, Time amount, Time now) { return by_connection_.add(taker.connection, amount, now); }

 private:
  SpentLately by_address_;
  SpentLately by_connection_;
};

/// Those who wait for something, in the order in which they deserve it: who had least of it lately goes first, by address, and of one
/// address by connection; of equals whoever has the smallest number. A crowd of one address waits behind everybody else as soon as one of
/// it was served. `Waiter` has a `taker` and a `number` of its own, and outlives its place here. Thread: one.
template <class Waiter>
class FairLine {
 public:
  using Score = SharesHad::Score;

  [[nodiscard]] bool empty() const { return crowds_.empty(); }
  void add(Waiter& waiter, const SharesHad::Scores& scores) {
    Crowd& crowd = crowds_.add(waiter.taker.address, scores.address, waiter.number);
    crowd.add(waiter.taker.connection, scores.connection, waiter.number).emplace(waiter.number, &waiter);
  }
  void remove(const Waiter& waiter) {
    Crowd& crowd = crowds_.at(waiter.taker.address);
    Ones& ones = crowd.at(waiter.taker.connection);
    ones.erase(waiter.number);
    if (ones.empty()) crowd.remove(waiter.taker.connection);
    if (crowd.empty()) crowds_.remove(waiter.taker.address);
  }
  /// Needs somebody to be there.
  [[nodiscard]] Waiter& first() {
    Crowd& crowd = crowds_.at(crowds_.first());
    return *crowd.at(crowd.first()).begin()->second;
  }
  void rescore_address(const TurnTaker& taker, Score score) { crowds_.rescore(taker.address, score); }
  void rescore_connection(const TurnTaker& taker, Score score) {
    if (crowds_.has(taker.address)) crowds_.at(taker.address).rescore(taker.connection, score);
  }

 private:
  using Ones = std::map<std::uint64_t, Waiter*>;  ///< In the order they came.
  using Crowd = LeastFirst<Ones>;                 ///< The connections of an address.

  LeastFirst<Crowd> crowds_;
};

}  // namespace tidelog::broker
