#include "broker/group/classic_group.h"

#include <algorithm>
#include <map>

namespace tidelog::broker {
namespace {

/// The answer to this very call, out of the late ones.
std::optional<SyncAnswer> take_own(Ticket ticket, std::size_t from, Step& step) {
  const auto own = std::find_if(step.late.begin() + static_cast<std::ptrdiff_t>(from), step.late.end(),
                                [&](const LateAnswer& late) { return late.ticket == ticket; });
  if (own == step.late.end()) return std::nullopt;
  SyncAnswer answer = std::get<SyncAnswer>(std::move(own->answer));
  step.late.erase(own);
  return answer;
}

/// What the leader assigned, by member; of two for one member the last holds.
void assign(ClassicGroupRecord::Value& value, const std::vector<SyncCall::Assignment>& assignments) {
  std::map<std::string_view, const OwnedBytes*> by_member;
  for (const SyncCall::Assignment& assignment : assignments) by_member[assignment.member_id] = &assignment.bytes;
  for (ClassicGroupRecord::Member& member : value.members) {
    const auto found = by_member.find(member.id);
    member.assignment = found == by_member.end() ? OwnedBytes{} : *found->second;
  }
}

std::size_t assigned_bytes(const ClassicGroupRecord::Value& value) {
  std::size_t bytes = 0;
  for (const ClassicGroupRecord::Member& member : value.members) bytes += member.assignment.size();
  return bytes;
}

}  // namespace

std::optional<SyncAnswer> ClassicGroup::sync(const SyncCall& call, Step& step) {
  const std::size_t earlier = step.late.size();
  std::optional<SyncAnswer> answer = answer_sync(call, step);
  check_invariants();
  return answer ? answer : take_own(call.ticket, earlier, step);
}

std::optional<SyncAnswer> ClassicGroup::answer_sync(const SyncCall& call, Step& step) {
  if (const ErrorCode error = check_sync(call); error != ErrorCode::none) return sync_refused(error);
  ClassicMember& member = *members_.find(call.member_id);
  renew(member, step);
  if (state_ == ClassicState::preparing_rebalance) return sync_refused(ErrorCode::rebalance_in_progress);
  note_sync(member);
  if (state_ == ClassicState::stable) return assignment_of(member);
  const std::optional<Ticket> earlier = members_.wait_for_sync(member, call.ticket);
  if (earlier) step.late.push_back({.ticket = *earlier, .answer = sync_refused(ErrorCode::rebalance_in_progress)});
  if (member.id == leader_) store_assignment(call, step);
  return std::nullopt;
}

ErrorCode ClassicGroup::check_sync(const SyncCall& call) const {
  if (state_ == ClassicState::dead) return ErrorCode::coordinator_not_available;
  if (const ErrorCode error = check_member(call.member_id, call.instance_id); error != ErrorCode::none) return error;
  if (const ErrorCode error = check_generation(call.generation); error != ErrorCode::none) return error;
  if (members_.find(call.member_id)->was_told_its_own) return ErrorCode::none;
  const bool is_other_type = call.protocol_type && *call.protocol_type != protocol_type_;
  const bool is_other_protocol = call.protocol && call.protocol != protocol_;
  return is_other_type || is_other_protocol ? ErrorCode::inconsistent_group_protocol : ErrorCode::none;
}

void ClassicGroup::note_sync(ClassicMember& member) {
  members_.set_owes_sync(member, false);
  if (members_.owing() == 0) sync_deadline_.reset();
}

void ClassicGroup::store_assignment(const SyncCall& call, Step& step) {
  ClassicGroupRecord::Value value = stored();
  value.state_since = step.wall_clock;
  const std::size_t before = assigned_bytes(value);
  assign(value, call.assignments);
  const GroupRecord record = ClassicGroupRecord{.group = name_, .value = value};
  const bool has_room = step.admits_growth(before, assigned_bytes(value));
  const Result<void, ErrorCode> appended = has_room ? step.log.append({&record, 1}) : ErrorCode::group_max_size_reached;
  if (appended) return become_stable(std::move(value), step);

  note(step, "the assignment", "could not be stored", tidelog::name(appended.error()));
  for (ClassicMember& member : members_) answer_sync(member, sync_refused(appended.error()), step);
  prepare(step);
}

/// Applies what was stored: its members are ours, in our order.
void ClassicGroup::become_stable(ClassicGroupRecord::Value value, Step& step) {
  auto assigned = value.members.begin();
  for (ClassicMember& member : members_) {
    members_.set_assignment(member, std::move(assigned->assignment));
    ++assigned;
  }
  enter(ClassicState::stable, step);
  for (ClassicMember& member : members_) answer_sync(member, assignment_of(member), step);
}

}  // namespace tidelog::broker
