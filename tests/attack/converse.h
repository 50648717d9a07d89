#pragma once

#include "tests/attack/camp.h"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::attack {

/// What the members of a crowd, counted from 0, ask the broker, and what is expected of its answers.
struct Exchange {
  const char* family;
  /// What `who` asks next, as a whole frame whose correlation id is of no account; empty: nothing.
  std::function<std::string(std::size_t who)> next;
  /// The payload of an answer, of whatever error.
  std::function<void(std::size_t who, std::string_view payload)> hear{};
  std::set<std::int16_t> lawful{};  ///< Errors that are as good an answer here as success.
  std::size_t pipelined = 1;        ///< So many requests of one connection are under way at once.
  Milliseconds patience{};          ///< From when a request is the first in its connection until it is answered.
};

/// What is asked over and over, one after the other, by each of a crowd.
struct Routine {
  std::vector<std::string> requests;
  std::set<std::int16_t> lawful{};
  std::size_t pipelined = 1;
  Milliseconds lasts{};
};

/// Nobody asks anything new after `until`; what is under way is still waited for. Notes one outcome for each request.
void converse(std::vector<Socket>& crowd, const Exchange& exchange, Tally& tally, Clock::time_point until);
void repeat(Camp& camp, const Camp::Call& call, const Routine& routine);

}  // namespace tidelog::attack
