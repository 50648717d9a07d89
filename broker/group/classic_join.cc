#include "broker/group/classic_group.h"
#include "proto/base/check.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// A newcomer has no generation to send heartbeats with, so its session cannot tell whether it is still there: its JoinGroup is given up
/// after this time. One that still waits comes again.
constexpr std::chrono::minutes kNewcomerPatience{5};

/// Takes the answer to this very call out of the late ones: whoever asked is told by return.
std::optional<JoinAnswer> take_own(Ticket ticket, std::size_t from, Step& step) {
  const auto own = std::find_if(step.late.begin() + static_cast<std::ptrdiff_t>(from), step.late.end(),
                                [&](const LateAnswer& late) { return late.ticket == ticket; });
  if (own == step.late.end()) return std::nullopt;
  JoinAnswer answer = std::get<JoinAnswer>(std::move(own->answer));
  step.late.erase(own);
  return answer;
}

}  // namespace

std::optional<JoinAnswer> ClassicGroup::join(const JoinCall& call, Step& step) {
  const std::size_t earlier = step.late.size();
  std::optional<JoinAnswer> answer = admit(call, step);
  // An initial delay of nothing is over already.
  if (is_initial_ && join_deadline_ <= step.now) on_join_deadline(step);
  check_invariants();
  return answer ? answer : take_own(call.ticket, earlier, step);
}

std::optional<JoinAnswer> ClassicGroup::admit(const JoinCall& call, Step& step) {
  if (call.session_timeout < step.settings.min_session_timeout || call.session_timeout > step.settings.max_session_timeout) {
    return join_refused(ErrorCode::invalid_session_timeout, call.member_id);
  }
  if (state_ == ClassicState::dead) return join_refused(ErrorCode::coordinator_not_available, call.member_id);
  if (!has_room_for(call, step.settings)) return turn_away(call, step);
  if (!suits(call)) return join_refused(ErrorCode::inconsistent_group_protocol, call.member_id);
  if (call.member_id.empty()) {
    ClassicMember* const namesake = call.instance_id ? members_.find_instance(*call.instance_id) : nullptr;
    if (namesake != nullptr) return take_over(*namesake, call, step);
    if (!call.instance_id && call.must_know_its_id) return name_newcomer(call, step);
    add_member(call, call.fresh_member_id, step);
    return std::nullopt;
  }
  if (!call.instance_id && pending_.contains(call.member_id)) {
    add_member(call, call.member_id, step);
    return std::nullopt;
  }
  const ErrorCode error = check_member(call.member_id, call.instance_id);
  if (error != ErrorCode::none) return join_refused(error, call.member_id);
  return rejoin(*members_.find(call.member_id), call, step);
}

/// While a rebalance is prepared, those count who have joined: if the limit was lowered meanwhile, the last to join again must go.
bool ClassicGroup::has_room_for(const JoinCall& call, const GroupSettings& settings) const {
  const bool is_preparing = state_ == ClassicState::preparing_rebalance;
  const std::size_t inside = is_preparing ? members_.joining() : members_.size();
  const ClassicMember* member = members_.find(call.member_id);
  // Who takes over from its namesake makes the group no greater.
  if (call.member_id.empty() && call.instance_id) member = members_.find_instance(*call.instance_id);
  if (member != nullptr) return !is_preparing || member->join_ticket || inside < settings.max_size;
  // Whoever was told an id has its place; who comes without one needs a place that nobody was promised.
  return inside + (call.member_id.empty() ? pending_.size() : 0) < settings.max_size;
}

JoinAnswer ClassicGroup::turn_away(const JoinCall& call, Step& step) {
  pending_.remove(call.member_id);
  if (ClassicMember* const member = members_.find(call.member_id)) {
    note(step, member->id, "found no room any more");
    remove_member(*member, step);
  }
  maybe_complete(step);
  return join_refused(ErrorCode::group_max_size_reached, "");
}

bool ClassicGroup::suits(const JoinCall& call) const {
  if (members_.empty()) return !call.protocol_type.empty() && !call.protocols.empty();
  return call.protocol_type == protocol_type_ && members_.support_one_of(call.protocols);
}

JoinAnswer ClassicGroup::name_newcomer(const JoinCall& call, Step& step) {
  CHECK(!call.fresh_member_id.empty() && members_.find(call.fresh_member_id) == nullptr);
  pending_.add(call.fresh_member_id, step.now + call.session_timeout);
  return join_refused(ErrorCode::member_id_required, call.fresh_member_id);
}

void ClassicGroup::add_member(const JoinCall& call, const std::string& id, Step& step) {
  CHECK(!id.empty());
  pending_.remove(id);
  if (members_.empty()) {
    protocol_type_ = call.protocol_type;
    leader_ = id;
  }
  ClassicMember& member = members_.add({.id = id,
                                        .instance_id = call.instance_id,
                                        .client_id = call.client_id,
                                        .client_host = call.client_host,
                                        .rebalance_timeout = std::max(call.rebalance_timeout, std::chrono::milliseconds(0)),
                                        .session_timeout = call.session_timeout,
                                        .protocols = without_repeats(call.protocols),
                                        .assignment = {},
                                        .join_ticket = {},
                                        .sync_ticket = {},
                                        .is_new = true,
                                        .watched_at = {}});
  members_.wait_for_join(member, call.ticket);
  members_.renew(member, step.now + kNewcomerPatience);
  newcomer_came_ = true;
  note(step, id, "joined", call.reason);
  rebalance(step);
}

std::optional<JoinAnswer> ClassicGroup::rejoin(ClassicMember& member, const JoinCall& call, Step& step) {
  const bool is_same = member.protocols == without_repeats(call.protocols);
  const bool leads_stable = state_ == ClassicState::stable && member.id == leader_;
  if (state_ != ClassicState::preparing_rebalance && is_same && !leads_stable) {
    // It may have missed the answer. Nothing of it has changed, so it is told where the generation stands.
    renew(member, step);
    return generation_for(member);
  }
  // A leader that joins again knows of a change that its own protocols do not show: of the topics, say.
  if (state_ != ClassicState::preparing_rebalance) {
    note(step, member.id, is_same ? "leads and joined again" : "changed its protocols", call.reason);
  }
  update_and_wait(member, call, step);
  rebalance(step);
  return std::nullopt;
}

void ClassicGroup::update_and_wait(ClassicMember& member, const JoinCall& call, Step& step) {
  members_.update(member, without_repeats(call.protocols), call);
  const std::optional<Ticket> earlier = members_.wait_for_join(member, call.ticket);
  // Nobody should be there any more to read this one; if somebody is, it shall try again.
  if (earlier) step.late.push_back({.ticket = *earlier, .answer = join_refused(ErrorCode::rebalance_in_progress, member.id)});
}

JoinAnswer ClassicGroup::generation_for(const ClassicMember& member) const {
  JoinAnswer answer{.generation = generation_,
                    .protocol_type = protocol_type_,
                    .protocol = protocol_,
                    .leader = leader_,
                    .member_id = member.id,
                    .members = {}};
  if (member.id != leader_) return answer;
  answer.members.reserve(members_.size());
  for (const ClassicMember& other : members_) {
    answer.members.push_back({.id = other.id, .instance_id = other.instance_id, .metadata = *other.metadata(*protocol_)});
  }
  return answer;
}

}  // namespace tidelog::broker
