#include "broker/group/classic_group.h"

#include <algorithm>

namespace tidelog::broker {

// A static member that was restarted comes without an id, under the name of its predecessor, and takes its place.

std::optional<JoinAnswer> ClassicGroup::take_over(ClassicMember& member, const JoinCall& call, Step& step) {
  if (state_ == ClassicState::stable && members_.vote(&member, without_repeats(call.protocols)) == protocol_) {
    return take_over_in_place(member, call, step);
  }
  note(step, *call.instance_id, "came back under a new id, which fenced the old one", call.reason);
  rename_member(member, call, step);
  update_and_wait(member, call, step);
  // In CompletingRebalance the leader may have been told of the old id, and would leave the new one without an assignment.
  rebalance(step);
  return std::nullopt;
}

/// The group goes on as it is: the newcomer has the assignment of its predecessor.
JoinAnswer ClassicGroup::take_over_in_place(ClassicMember& member, const JoinCall& call, Step& step) {
  const std::vector<ClassicProtocol> protocols = without_repeats(call.protocols);
  ClassicGroupRecord::Value value = stored();
  const bool leads = member.id == leader_;
  if (leads) value.leader = call.fresh_member_id;
  auto& changed = *std::ranges::find(value.members, member.id, &ClassicGroupRecord::Member::id);
  changed = {.id = call.fresh_member_id,
             .instance_id = call.instance_id,
             .client_id = call.client_id,
             .client_host = call.client_host,
             .rebalance_timeout_ms = static_cast<std::int32_t>(std::max(call.rebalance_timeout, std::chrono::milliseconds(0)).count()),
             .session_timeout_ms = static_cast<std::int32_t>(call.session_timeout.count()),
             .subscription = std::ranges::find(protocols, *protocol_, &ClassicProtocol::name)->metadata,
             .assignment = member.assignment};
  const GroupRecord record = ClassicGroupRecord{.group = name_, .value = std::move(value)};
  const Result<void, ErrorCode> appended = step.log.append({&record, 1});
  if (!appended) return join_refused(appended.error());

  const std::string old_leader = leader_;
  remark(step, *call.instance_id, "came back under a new id, which fenced the old one and keeps its assignment", call.reason);
  rename_member(member, call, step);
  members_.update(member, protocols, call);
  renew(member, step);
  look_at_subscriptions();
  JoinAnswer answer = generation_for(member);
  answer.skip_assignment = call.may_skip_assignment && leads;
  if (!call.may_skip_assignment) {
    // Told that it leads, it would assign anew. Of the id that led it does not know that it was its own.
    answer.leader = old_leader;
    answer.members.clear();
  }
  return answer;
}

/// The old id is fenced from here on, and so is who waits under it.
void ClassicGroup::rename_member(ClassicMember& member, const JoinCall& call, Step& step) {
  answer_join(member, join_refused(ErrorCode::fenced_instance_id, member.id), step);
  answer_sync(member, sync_refused(ErrorCode::fenced_instance_id), step);
  if (member.id == leader_) leader_ = call.fresh_member_id;
  members_.replace(member, call);
  member.is_new = false;
  member.was_told_its_own = false;
  renew(member, step);
}

}  // namespace tidelog::broker
