#pragma once

#include "broker/group/classic_group.h"
#include "broker/group/consumer_group.h"
#include "broker/group/ports.h"
#include "broker/group/records.h"

#include <optional>
#include <vector>

// How a group with members goes from one protocol to the other while they work. What a member has, it keeps: nobody else may get it before
// the member has said that it has it no longer, or is gone.

namespace tidelog::broker {

/// A classic group as the records of a consumer group whose members speak the classic protocol. Epochs begin at its generation.
///
/// A member is taken to have what its leader assigned to it and what it said it had when it joined last: between its JoinGroup and its
/// SyncGroup it may have either, and a cooperative one has both for a while. Of two that claim a partition, the assignment decides. Who
/// never had an answer is left out: it has nothing, and comes again.
/// Nothing: not a group of consumers, or a subscription cannot be read.
std::optional<std::vector<GroupRecord>> as_consumer_group(const ClassicGroup& group, const TopicsView& topics);

struct ClassicSuccessor {
  ClassicGroupRecord::Value stored;  ///< Without a leader: the generation is the last that was assigned, and nobody is to go on in it.
  std::vector<ClassicMember> members;
};

/// A consumer group whose members all speak the classic protocol, and have synced its last change, as a classic one: its generation is the
/// epoch that they all know. Nothing: they have no protocol in common.
std::optional<ClassicSuccessor> as_classic_group(const ConsumerGroup& group, const Step& step);

}  // namespace tidelog::broker
