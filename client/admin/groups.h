#pragma once

#include "client/admin/coordinator.h"
#include <tidelog/group.h>

namespace tidelog::core {

/// Names beside kinds: what `admin` says about groups. All of them block, and follow a coordinator that moves until the deadline.

result<group_list> list_groups(ClientCore& core, const std::vector<std::string>& states, const std::vector<std::string>& types);
result<group_info> describe_group(ClientCore& core, const std::string& id, bool with_history, TimePoint deadline);

/// Takes the members out of the group, one answer each.
result<void> remove_members(ClientCore& core, const group_info& group, TimePoint deadline);
result<std::vector<group_result>> delete_groups(ClientCore& core, const std::vector<std::string>& ids, TimePoint deadline);

}  // namespace tidelog::core
