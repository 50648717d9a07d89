#pragma once

#include "broker/group/partition_set.h"
#include "broker/group/records.h"
#include "proto/base/result.h"
#include "proto/error_code.h"

#include <cstdint>
#include <functional>

namespace tidelog::broker {

using MemberState = ConsumerCurrentMemberRecord::State;

/// The epoch of a static member that said it would come back.
inline constexpr std::int32_t kLeftForAWhile = -2;

/// What a member has: as stored.
struct MemberAssignment {
  std::int32_t epoch = 0;  ///< 0: joined, but not answered yet. -2: a static member that left for a while.
  std::int32_t previous_epoch = 0;
  MemberState state = MemberState::stable;
  HeldPartitions assigned;
  HeldPartitions pending;  ///< It has them still, and shall give them up.
  bool operator==(const MemberAssignment&) const = default;
};

ConsumerCurrentMemberRecord::Value stored(const MemberAssignment& assignment);
MemberAssignment from_stored(const ConsumerCurrentMemberRecord::Value& value);

/// As a static member has it that is away: it has said that it works on nothing, and no older epoch counts for what it finds again.
MemberAssignment away(MemberAssignment current, std::int32_t epoch);

/// What one step of a member towards its target goes by.
struct Reconciliation {
  const MemberAssignment& current;
  std::int32_t target_epoch = 0;
  const PartitionSet& target;
  const PartitionSet* owned = nullptr;  ///< What the member says it has; null: it did not say.
  /// The target was made before the member's subscription changed, and what it may no longer have was cut out of it.
  bool is_cut = false;
  const std::function<bool(const TopicPartition&)>& is_free;  ///< Nobody else has it, not even to give it up.
};

/// What the member has next; `current` if nothing changes. It gives up what is not in its target before it gets anything, and gets what is
/// free; its epoch becomes the target's once it has given up all.
///
///   from                  | when                                             | to                    | epoch
///   stable                | the target's epoch is the member's               | stable                |
///   stable, unreleased    | it has partitions outside its target             | unrevoked partitions  |
///   stable, unreleased    | some of its target are another's still           | unreleased partitions | target's
///   stable, unreleased    | all of its target are its own or free            | stable                | target's
///   unrevoked partitions  | it says nothing, or that it has them still       | unrevoked partitions  |
///   unrevoked partitions  | it says it has them no longer                    | as from stable        |
///   unknown               | it has nothing                                   | as from stable        |
///
/// A member that says it has none of what it shall give up is not asked for it: it never heard of it.
/// FENCED_MEMBER_EPOCH: a state of a later version, and the member has partitions: it must give up all.
Result<MemberAssignment, ErrorCode> reconcile(const Reconciliation& step);

}  // namespace tidelog::broker
