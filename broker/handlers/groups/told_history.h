#pragma once

#include "broker/group/group_machine.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// One event of a group's history as it goes to whoever asked.
struct ToldEvent {
  TimestampMs at;
  std::int32_t generation;  ///< Or group epoch.
  std::string sentence;
};

/// Oldest first; none if there is no such group.
inline std::vector<ToldEvent> tell_history(const GroupMachine& machine, std::string_view group) {
  std::vector<ToldEvent> told;
  const GroupHistory* const history = machine.history(group);
  if (history == nullptr) return told;
  for (const GroupHistory::Event& event : history->events()) {
    told.push_back({.at = event.at, .generation = event.generation, .sentence = sentence(event)});
  }
  return told;
}

}  // namespace tidelog::broker
