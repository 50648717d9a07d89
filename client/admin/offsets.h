#pragma once

#include "client/core/client_core.h"
#include <tidelog/consumer.h>

#include <string>
#include <vector>

namespace tidelog::core {

struct OffsetQuery {
  std::string topic;
  std::int32_t partition;
  offset_spec where;
};

/// The offsets that the places stand for now, in the order asked. Follows leaders that move until the deadline. Blocks.
result<std::vector<std::int64_t>> look_up_offsets(ClientCore& core, const std::vector<OffsetQuery>& queries, TimePoint deadline);

}  // namespace tidelog::core
