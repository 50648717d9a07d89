#pragma once

#include "broker/group/consumer_calls.h"
#include "broker/group/ports.h"

#include <cstddef>
#include <optional>
#include <string>

namespace tidelog::broker {

/// Why a member is not answered as it wished.
struct Refusal {
  ErrorCode error = ErrorCode::none;
  std::string message;
};

inline constexpr std::size_t kMostIdBytes = 1024;                ///< Of a member id, an instance id or a rack.
inline constexpr std::size_t kMostSubscribedBytes = 512 * 1024;  ///< Of all names together: a member is stored as one record.

/// What is wrong with a heartbeat whatever the group is like. Nothing: nothing.
std::optional<Refusal> find_fault(const ConsumerHeartbeatCall& call, const GroupSettings& settings);

}  // namespace tidelog::broker
