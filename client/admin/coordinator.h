#pragma once

#include "client/core/client_core.h"

#include <map>
#include <string>
#include <vector>

namespace tidelog::core {

/// The broker that coordinates each group, by the group's id. One attempt: those whose coordinator is not there now are an error that is
/// worth another one. Blocks.
result<std::map<std::string, std::int32_t>> find_coordinators(ClientCore& core, const std::vector<std::string>& groups, TimePoint deadline);

/// Calls `attempt` with the coordinator of the group, and again with whoever it is then, while it fails with what passes: the coordinator
/// is elsewhere, is not there yet, or still reads what it is to know. Blocks.
template <class T>
result<T> at_coordinator(ClientCore& core, const std::string& group, TimePoint deadline,
                         const std::function<result<T>(std::int32_t node)>& attempt) {
  return core.retry<T>(deadline, [&]() -> result<T> {
    const auto found = find_coordinators(core, {group}, deadline);
    if (!found) return found.error();
    return attempt(found->at(group));
  });
}

}  // namespace tidelog::core
