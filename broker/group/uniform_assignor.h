#pragma once

#include "broker/group/assignor.h"

namespace tidelog::broker {

/// Gives everybody as many partitions as others, and moves as few as that takes. When it is done, nobody has a partition that a subscriber
/// with at least two fewer could have; so members that subscribe to the same differ by one at most.
SlotLists assign_uniform(const AssignmentProblem& problem);

}  // namespace tidelog::broker
