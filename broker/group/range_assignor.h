#pragma once

#include "broker/group/assignor.h"

namespace tidelog::broker {

/// Gives each subscriber of a topic neighbouring partitions of it, the first ones one more than the others if it does not come out even.
/// Members that subscribe to the same topics with as many partitions get the same partition numbers of each. Static members come first, by
/// instance id: who comes back under another member id gets what it had.
SlotLists assign_range(const AssignmentProblem& problem);

}  // namespace tidelog::broker
