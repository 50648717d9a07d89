#pragma once

#include "client/admin/coordinator.h"
#include <tidelog/group.h>

namespace tidelog::core {

/// Who commits or asks: a member, or nobody in particular.
struct GroupMember {
  static GroupMember nobody(std::string group) { return {.group = std::move(group), .id = {}, .instance_id = {}}; }

  std::string group;
  std::string id;
  std::int32_t generation = -1;  ///< Of a classic group, or the member's epoch.
  std::optional<std::string> instance_id;
  std::uint64_t lane = 0;
  bool wants_lag = false;  ///< To be told how far the group is behind, too.
};

/// What the group has committed: of these partitions, or of all without any. Partitions without an offset are left out. With `is_stable`
/// an offset that a transaction is about to change is waited for. Blocks.
result<std::vector<group_offset>> fetch_offsets(ClientCore& core, const GroupMember& who, const std::vector<topic_partition>& partitions,
                                                TimePoint deadline);
/// One result a partition, in the order given. Blocks.
result<std::vector<group_partition_result>> commit_offsets(ClientCore& core, const GroupMember& who,
                                                           const std::vector<group_offset>& offsets, TimePoint deadline);
result<std::vector<group_partition_result>> delete_offsets(ClientCore& core, const std::string& group,
                                                           const std::vector<topic_partition>& partitions, TimePoint deadline);

}  // namespace tidelog::core
