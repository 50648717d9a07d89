#pragma once

#include "client/core/client_core.h"

#include <string>
#include <vector>

namespace tidelog::core {

/// What each partition's leader says of its log if not all of it can be read; empty where all is well, or the broker does not tell. Blocks.
std::vector<std::string> look_up_damage(ClientCore& core, const std::string& topic, const std::vector<std::int32_t>& partitions,
                                        TimePoint deadline);

}  // namespace tidelog::core
