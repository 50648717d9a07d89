#include "broker/group/range_assignor.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tidelog::broker {

SlotLists assign_range(const AssignmentProblem& problem) {
  std::vector<std::size_t> order(problem.members.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t at) {
    const AssignmentProblem::Member& member = problem.members[at];
    return std::tuple(member.instance_id.empty(), member.instance_id, member.id);
  });

  std::vector<Slot> subscribers(problem.topic_count());
  for (const AssignmentProblem::Member& member : problem.members) {
    for (const std::uint32_t topic : problem.subscriptions[member.subscription]) ++subscribers[topic];
  }

  SlotLists lists(problem.members.size());
  std::vector<Slot> place(problem.topic_count());  // Of the next subscriber among its topic's.
  for (const std::size_t at : order) {
    for (const std::uint32_t topic : problem.subscriptions[problem.members[at].subscription]) {
      const Slot partitions = problem.first_slot[topic + 1] - problem.first_slot[topic];
      const Slot share = partitions / subscribers[topic];
      const Slot one_more = partitions % subscribers[topic];
      const Slot mine = place[topic]++;
      Slot slot = problem.first_slot[topic] + share * mine + std::min(mine, one_more);
      for (Slot left = share + (mine < one_more ? 1 : 0); left > 0; --left) lists[at].push_back(slot++);
    }
  }
  return lists;
}

}  // namespace tidelog::broker
