#pragma once

#include "client/group/assignor.h"

namespace tidelog::core {

/// Shares out so that nobody who wants the same topics has two more than another, and as much as that allows stays where it is. Members go
/// on reading meanwhile: what another one may still read is left out, and goes to its new owner once the group shares out again.
///
/// Of two members that say they have a partition, the one that was given it in the later generation has it; if that is the same one,
/// neither has, and both have to give it up. The same input, in the same order, always gives the same answer.
Assignments share_out_sticky(const std::vector<Candidate>& members, const PartitionCounts& counts);

}  // namespace tidelog::core
