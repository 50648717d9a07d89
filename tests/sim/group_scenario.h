#pragma once

#include "tests/sim/group_member.h"
#include "tests/sim/scenario.h"

namespace tidelog::sim {

/// A run whose clients are members of groups. The broker, its crashes and faults are drawn as for any other run.
struct GroupPlan {
  Plan base;
  std::vector<GroupMemberPlan> members;
};

GroupPlan make_group_plan(std::uint64_t seed);
std::string to_text(const GroupPlan& plan);

/// Members of groups join, commit, nap, leave, die and come again while the broker ends and starts as the plan says. Then every fault ends
/// and members stay: each partition has to get a reader that commits. The broker ends once more, and what is committed is read.
RunResult run_groups(const GroupPlan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log = nullptr);

}  // namespace tidelog::sim
