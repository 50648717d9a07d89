#include "broker/group/classic_group.h"

#include <algorithm>

namespace tidelog::broker {

LeaveAnswer ClassicGroup::leave(const LeaveCall& call, Step& step) {
  LeaveAnswer answer;
  if (state_ == ClassicState::dead) {
    answer.error = ErrorCode::coordinator_not_available;
    return answer;
  }
  answer.members.reserve(call.members.size());
  for (const LeaveCall::Member& leaving : call.members) answer.members.push_back(leave_one(leaving, step));
  const bool has_changed = std::ranges::find(answer.members, ErrorCode::none) != answer.members.end();
  if (has_changed && state_ != ClassicState::empty) rebalance(step);
  check_invariants();
  return answer;
}

/// By its id, or, as operators do, by its instance id alone.
ErrorCode ClassicGroup::leave_one(const LeaveCall::Member& leaving, Step& step) {
  ClassicMember* member = members_.find(leaving.id);
  if (leaving.id.empty()) {
    member = leaving.instance_id ? members_.find_instance(*leaving.instance_id) : nullptr;
    if (member == nullptr) return ErrorCode::unknown_member_id;
  } else if (pending_.remove(leaving.id)) {
    return ErrorCode::none;
  } else if (const ErrorCode error = check_member(leaving.id, leaving.instance_id); error != ErrorCode::none) {
    return error;
  }
  note(step, member->id, "left", leaving.reason);
  remove_member(*member, step);
  return ErrorCode::none;
}

}  // namespace tidelog::broker
