#pragma once

#include "client/group/embedded.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::core {

/// A member of a classic group, as the leader sees it when it shares out the partitions.
struct Candidate {
  std::string id;
  std::string instance_id;  ///< Empty unless it is a static member.
  Subscription subscription;
};

/// How many partitions topics have. A topic that is not in it has none.
using PartitionCounts = std::map<std::string, std::int32_t, std::less<>>;

/// What each member shall read, by its id; every member is in it.
using Assignments = std::map<std::string, std::vector<topic_partition>>;

enum class Assignor : std::uint8_t { range, round_robin, cooperative_sticky };

/// By the name that members of all clients agree on: `range`, `roundrobin`, `cooperative-sticky`; none if it is another one.
std::optional<Assignor> find_assignor(std::string_view name);
std::string_view name_of(Assignor assignor);

/// Whether a member that lists these goes on reading while the group shares out anew, and gives up only what goes to others. All of them
/// have to allow for it: which one the group agrees on turns out when it is too late to give up anything.
bool keeps_reading(const std::vector<Assignor>& listed);

/// Every partition of a topic that somebody subscribes to goes to one of its subscribers, or, if members go on reading, to nobody until the
/// one that has it gave it up. The same input always gives the same answer: members are ordered by what they keep over restarts.
Assignments share_out(Assignor assignor, std::vector<Candidate> members, const PartitionCounts& counts);

}  // namespace tidelog::core
