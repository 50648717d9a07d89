#pragma once

#include <tidelog/group.h>

#include <vector>

namespace tidelog::cli {

// What a group's coordinator will answer to a change, going by how it describes the group: what dry runs say. A group that is just being
// shared out does not tell what it reads, and counts as reading everything; otherwise only what members do in between makes it wrong.

result<void> forecast_deletion(const group_info& group);

/// Of offsets that the group has committed. An error of the whole: the request would be refused.
result<std::vector<group_partition_result>> forecast_offset_deletion(const group_info& group,
                                                                     const std::vector<topic_partition>& partitions);

}  // namespace tidelog::cli
