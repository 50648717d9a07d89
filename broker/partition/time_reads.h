#pragma once

#include "broker/quota/spent_lately.h"
#include "broker/shard/fair_turns.h"

#include <optional>

namespace tidelog::broker {

/// Who has records looked for by their time.
struct TimeAsker {
  NameDigest address;     ///< Whom a limit of one address counts for.
  NameDigest connection;  ///< One of that address's.
};

/// The turns of all searches by time: one piece is read at a time. What a search costs is known when it was paid for, so those go first
/// whose searches cost least lately: by address, and of one address by connection. Somebody who has every search open batches that hold a
/// thousand times what they weigh waits behind all who do not, and a client that nobody knows yet waits for one piece at most.
/// Thread: the first shard's loop.
class TimeReads {
 public:
  explicit TimeReads(Loop& loop) : loop_(loop), turns_(loop) {}

  /// None: `until` came first.
  asio::awaitable<std::optional<FairTurns::Turn>> take(TimeAsker asker, SteadyTime until) {
    const SteadyTime now = loop_.now();
    return turns_.take({.first = by_address_.of(asker.address, now), .second = by_connection_.of(asker.connection, now)}, until);
  }

  void charge(const TimeAsker& asker, SteadyTime cost) {
    const SteadyTime now = loop_.now();
    by_address_.add(asker.address, cost, now);
    by_connection_.add(asker.connection, cost, now);
  }

 private:
  Loop& loop_;
  FairTurns turns_;
  SpentLately by_address_;
  SpentLately by_connection_;
};

}  // namespace tidelog::broker
