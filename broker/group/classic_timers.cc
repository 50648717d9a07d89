#include "broker/group/classic_group.h"

#include <algorithm>
#include <array>

namespace tidelog::broker {

std::optional<Moment> ClassicGroup::wake_at() const {
  std::optional<Moment> earliest;
  for (const std::optional<Moment>& at : {join_deadline_, sync_deadline_, pending_.next(), members_.next_watched()}) {
    if (at && (!earliest || *at < *earliest)) earliest = at;
  }
  return earliest;
}

void ClassicGroup::tick(Step& step) {
  while (do_next_due(step)) {
  }
  check_invariants();
}

/// One at a time, in the order in which they were due.
bool ClassicGroup::do_next_due(Step& step) {
  const std::optional<Moment> due = wake_at();
  if (!due || *due > step.now) return false;
  if (due == join_deadline_) {
    on_join_deadline(step);
  } else if (due == sync_deadline_) {
    on_sync_deadline(step);
  } else if (due == pending_.next()) {
    pending_.remove_next();
    maybe_complete(step);
  } else {
    look_at_session(step);
  }
  return true;
}

void ClassicGroup::on_join_deadline(Step& step) {
  const Moment latest = initial_began_ + members_.greatest_rebalance_timeout();
  if (is_initial_ && newcomer_came_ && step.now < latest) {
    newcomer_came_ = false;
    join_deadline_ = std::min<Moment>(step.now + step.settings.initial_rebalance_delay, latest);
    return;
  }
  complete(step);
}

void ClassicGroup::on_sync_deadline(Step& step) {
  for (auto next = members_.begin(); next != members_.end();) {
    ClassicMember& member = *next++;
    if (!member.owes_sync) continue;
    note(step, member.id, "did not sync in time");
    remove_member(member, step);
  }
  prepare(step);
}

void ClassicGroup::look_at_session(Step& step) {
  ClassicMember& member = members_.take_watched();
  if (member.expires_at > step.now) return members_.renew(member, member.expires_at);
  // Who waits for an answer cannot send heartbeats; its session goes on when it is answered.
  if (!member.is_new && (member.join_ticket || member.sync_ticket)) return;
  note(step, member.id, member.is_new ? "waited too long to join" : "timed out");
  remove_member(member, step);
  rebalance(step);
}

}  // namespace tidelog::broker
