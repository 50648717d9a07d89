#include "broker/group/reconciliation.h"

#include <algorithm>
#include <iterator>

namespace tidelog::broker {
namespace {

/// What a member has, cut by its target.
struct Cut {
  HeldPartitions keep;
  HeldPartitions give_up;
  HeldPartitions gain;
  bool is_short = false;  ///< Some of the target is another's still.
};

Cut cut(const Reconciliation& step) {
  Cut cut;
  const HeldPartitions& have = step.current.assigned;
  for (const HeldPartition& one : have) {
    (std::ranges::binary_search(step.target, one.partition) ? cut.keep : cut.give_up).push_back(one);
  }
  for (const TopicPartition& one : step.target) {
    if (std::ranges::binary_search(have, one, {}, &HeldPartition::partition)) continue;
    if (step.is_free(one)) {
      cut.gain.push_back({one, step.target_epoch});
    } else {
      cut.is_short = true;
    }
  }
  return cut;
}

bool still_has(const Reconciliation& step, const HeldPartitions& partitions) {
  return step.owned == nullptr || intersects(partitions, *step.owned);
}

/// Epochs move on by this alone: the one before is what a member names whose answer was lost.
void enter(MemberAssignment& next, std::int32_t epoch) {
  if (next.epoch == epoch) return;
  next.previous_epoch = next.epoch;
  next.epoch = epoch;
}

MemberAssignment advance(const Reconciliation& step) {
  Cut parts = cut(step);
  MemberAssignment next = step.current;
  next.pending.clear();
  if (!parts.give_up.empty() && still_has(step, parts.give_up)) {
    next.state = MemberState::unrevoked_partitions;
    next.assigned = std::move(parts.keep);
    next.pending = std::move(parts.give_up);
    return next;
  }
  next.assigned.clear();
  std::ranges::merge(parts.keep, parts.gain, std::back_inserter(next.assigned), {}, &HeldPartition::partition, &HeldPartition::partition);
  next.state = parts.is_short ? MemberState::unreleased_partitions : MemberState::stable;
  enter(next, step.target_epoch);
  return next;
}

}  // namespace

ConsumerCurrentMemberRecord::Value stored(const MemberAssignment& assignment) {
  return {.member_epoch = assignment.epoch,
          .previous_member_epoch = assignment.previous_epoch,
          .state = assignment.state,
          .assigned = by_topic(assignment.assigned),
          .pending_revocation = by_topic(assignment.pending),
          .assigned_epochs = epochs_by_topic(assignment.assigned),
          .pending_epochs = epochs_by_topic(assignment.pending)};
}

MemberAssignment from_stored(const ConsumerCurrentMemberRecord::Value& value) {
  const std::int32_t otherwise = std::max(value.member_epoch, 0);
  return {.epoch = value.member_epoch,
          .previous_epoch = value.previous_member_epoch,
          .state = value.state,
          .assigned = flatten(value.assigned, value.assigned_epochs, otherwise),
          .pending = flatten(value.pending_revocation, value.pending_epochs, otherwise)};
}

MemberAssignment away(MemberAssignment current, std::int32_t epoch) {
  current.epoch = epoch;
  current.state = MemberState::stable;
  current.pending.clear();
  for (HeldPartition& one : current.assigned) one.since = 0;
  return current;
}

Result<MemberAssignment, ErrorCode> reconcile(const Reconciliation& step) {
  switch (step.current.state) {
    case MemberState::stable:
      if (step.current.epoch == step.target_epoch && !step.is_cut) return step.current;
      return advance(step);
    case MemberState::unrevoked_partitions:
      if (still_has(step, step.current.pending)) return step.current;
      return advance(step);
    case MemberState::unreleased_partitions: return advance(step);
    case MemberState::unknown:
      if (step.owned == nullptr || !step.owned->empty()) return ErrorCode::fenced_member_epoch;
      return advance(step);
  }
  return step.current;
}

}  // namespace tidelog::broker
