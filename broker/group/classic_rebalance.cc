#include "broker/group/classic_group.h"
#include "proto/base/check.h"

#include <algorithm>
#include <limits>

namespace tidelog::broker {
namespace {

/// How long to wait with what could not be done: nobody has joined, or the log took no record.
constexpr std::chrono::seconds kTryAgainAfter{1};

}  // namespace

/// After a change of the members.
void ClassicGroup::rebalance(Step& step) {
  if (state_ == ClassicState::preparing_rebalance) return maybe_complete(step);
  prepare(step);
}

void ClassicGroup::prepare(Step& step) {
  if (state_ == ClassicState::completing_rebalance) {
    for (ClassicMember& member : members_) {
      member.assignment.clear();
      answer_sync(member, sync_refused(ErrorCode::rebalance_in_progress), step);
    }
  }
  for (ClassicMember& member : members_) members_.set_owes_sync(member, false);
  sync_deadline_.reset();
  is_initial_ = state_ == ClassicState::empty;
  enter(ClassicState::preparing_rebalance, step);
  if (is_initial_) {
    initial_began_ = step.now;
    newcomer_came_ = false;
    join_deadline_ = step.now + step.settings.initial_rebalance_delay;
    return;
  }
  join_deadline_ = step.now + members_.greatest_rebalance_timeout();
  maybe_complete(step);
}

void ClassicGroup::maybe_complete(Step& step) {
  if (state_ != ClassicState::preparing_rebalance || is_initial_) return;
  if (members_.joining() < members_.size() || !pending_.empty()) return;
  complete(step);
}

void ClassicGroup::complete(Step& step) {
  drop_absent(step);
  if (members_.empty()) return become_empty(step);
  if (elect_leader()) return begin_generation(step);
  // Static members only, and none of them is back yet: they have until their sessions end.
  join_deadline_ = step.now + std::max<Moment>(members_.greatest_rebalance_timeout(), kTryAgainAfter);
}

/// Who has not joined in time goes; of static members it is known that they come back under their name.
void ClassicGroup::drop_absent(Step& step) {
  for (auto next = members_.begin(); next != members_.end();) {
    ClassicMember& member = *next++;
    if (member.join_ticket || member.is_static()) continue;
    note(step, member.id, "did not join in time");
    remove_member(member, step);
  }
}

/// The leader stays if it has joined again; else the first who has.
bool ClassicGroup::elect_leader() {
  if (members_.find(leader_)->join_ticket) return true;
  const auto joined = std::ranges::find_if(members_, [](const ClassicMember& member) { return member.join_ticket.has_value(); });
  if (joined == members_.end()) return false;
  leader_ = joined->id;
  return true;
}

std::int32_t ClassicGroup::next_generation() const { return generation_ == std::numeric_limits<std::int32_t>::max() ? 1 : generation_ + 1; }

void ClassicGroup::become_empty(Step& step) {
  const GroupRecord record = ClassicGroupRecord{.group = name_,
                                                .value = ClassicGroupRecord::Value{.protocol_type = protocol_type_,
                                                                                   .generation = next_generation(),
                                                                                   .protocol = {},
                                                                                   .leader = {},
                                                                                   .state_since = step.wall_clock,
                                                                                   .members = {}}};
  if (const Result<void, ErrorCode> appended = step.log.append({&record, 1}); !appended) {
    join_deadline_ = step.now + kTryAgainAfter;
    return;
  }
  generation_ = next_generation();
  protocol_.reset();
  look_at_subscriptions();
  is_initial_ = false;
  join_deadline_.reset();
  enter(ClassicState::empty, step);
  noted_ = 0;
  remark(step, "the group", "is empty");
}

void ClassicGroup::begin_generation(Step& step) {
  generation_ = next_generation();
  protocol_ = members_.vote();
  CHECK(protocol_.has_value());  // nobody joins who has nothing in common with all others
  look_at_subscriptions();
  is_initial_ = false;
  join_deadline_.reset();
  sync_deadline_ = step.now + members_.greatest_rebalance_timeout();
  enter(ClassicState::completing_rebalance, step);
  for (ClassicMember& member : members_) {
    if (member.join_ticket) answer_join(member, generation_for(member), step);
    renew(member, step);
    member.is_new = false;
    member.was_told_its_own = false;
    members_.set_owes_sync(member, true);
  }
  noted_ = 0;
  remark(step, "the generation", "began with " + counted(members_.size(), "member") + ", led by", leader_);
}

}  // namespace tidelog::broker
