#pragma once

#include "client/core/client_core.h"
#include <tidelog/admin.h>

#include <string>
#include <utility>
#include <vector>

namespace tidelog::core {

/// Has the leaders delete the records below an offset in each partition (by number), and says where each begins then or why not, in the
/// order asked. Follows leaders that move until the deadline. Blocks.
result<std::vector<partition_result>> delete_records(ClientCore& core, const std::string& topic,
                                                     const std::vector<std::pair<std::int32_t, std::int64_t>>& before, TimePoint deadline);

}  // namespace tidelog::core
