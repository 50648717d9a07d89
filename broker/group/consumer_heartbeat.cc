#include "broker/group/consumer_group.h"
#include "proto/base/check.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

using About = ConsumerMemberRecord::Value;

const std::string& id_of(const ConsumerHeartbeatCall& call) { return call.member_id.empty() ? call.fresh_member_id : call.member_id; }

Refusal unknown(const std::string& what) { return {.error = ErrorCode::unknown_member_id, .message = what + " is not in the group."}; }

Refusal fenced(const std::string& why) {
  return {.error = ErrorCode::fenced_member_epoch, .message = why + " The member must give up all its partitions and join again."};
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

template <class T>
bool is_news(const std::optional<T>& said, const std::optional<T>& known) {
  return said && said != known;
}

/// Whether a heartbeat says anything of the member that is not known. Costs what it says, and nothing if it says nothing.
bool is_news(const ConsumerHeartbeatCall& call, const About& about) {
  const bool new_timeout = call.rebalance_timeout_ms != -1 && call.rebalance_timeout_ms != about.rebalance_timeout_ms;
  const bool new_regex = call.subscribed_regex && *call.subscribed_regex != about.subscribed_regex.value_or("");
  const bool new_names =
      call.subscribed_names && *call.subscribed_names != about.subscribed_names && sorted(*call.subscribed_names) != about.subscribed_names;
  const bool new_client = call.client_id != about.client_id || call.client_host != about.client_host;
  return new_timeout || new_regex || new_names || new_client || about.classic || is_news(call.instance_id, about.instance_id) ||
         is_news(call.rack_id, about.rack_id) || is_news(call.server_assignor, about.server_assignor);
}

About updated(About about, const ConsumerHeartbeatCall& call) {
  about.client_id = call.client_id;
  about.client_host = call.client_host;
  about.classic.reset();
  if (call.instance_id) about.instance_id = call.instance_id;
  if (call.rack_id) about.rack_id = call.rack_id;
  if (call.server_assignor) about.server_assignor = call.server_assignor;
  if (call.rebalance_timeout_ms != -1) about.rebalance_timeout_ms = call.rebalance_timeout_ms;
  if (call.subscribed_names) about.subscribed_names = sorted(*call.subscribed_names);
  if (call.subscribed_regex) about.subscribed_regex = call.subscribed_regex->empty() ? std::nullopt : call.subscribed_regex;
  return about;
}

/// A member names the epoch before if the answer with its epoch was lost. Then it has none of what that answer gave it.
std::optional<Refusal> find_fault_in_epoch(const ConsumerHeartbeatCall& call, const MemberAssignment& current) {
  if (call.member_epoch == current.epoch) return std::nullopt;
  const std::string epochs = " epoch " + std::to_string(call.member_epoch) + ", not " + std::to_string(current.epoch) + ".";
  if (call.member_epoch > current.epoch) return fenced("It names the later" + epochs);
  const bool may_have_lost_it = call.member_epoch == current.previous_epoch && call.owned;
  if (may_have_lost_it && contains_all(current.assigned, flatten(*call.owned))) return std::nullopt;
  return fenced("It names the earlier" + epochs);
}

/// The member has said all it is, as after a failure: it shall hear all it has.
bool is_full(const ConsumerHeartbeatCall& call) {
  const bool says_subscription = call.subscribed_names || call.subscribed_regex;
  return call.member_epoch == 0 || (call.rebalance_timeout_ms != -1 && says_subscription && call.owned);
}

}  // namespace

ConsumerHeartbeatAnswer ConsumerGroup::heartbeat(const ConsumerHeartbeatCall& call, Step& step) {
  note_settings(step.settings);
  const auto refuse = [](Refusal refusal) {
    ConsumerHeartbeatAnswer answer;
    answer.error = refusal.error;
    answer.error_message = std::move(refusal.message);
    return answer;
  };
  if (std::optional<Refusal> fault = find_fault(call, step.settings)) return refuse(*std::move(fault));

  ConsumerHeartbeatAnswer answer;
  answer.member_id = id_of(call);
  answer.member_epoch = call.member_epoch;
  if (call.member_epoch < 0) {
    const Result<void, Refusal> left = leave(call, step);
    return left ? answer : refuse(left.error());
  }

  const Result<Place, Refusal> place = find_place(call, step.settings);
  if (!place) {
    note_fenced(call, place.error(), step);
    return refuse(place.error());
  }
  // Whoever speaks lives, even if the log takes nothing at the moment.
  if (place->member != nullptr) arm_session(*members_.find(place->member->id), step);
  const Member* const before = place->member != nullptr ? place->member : place->replaced;
  const HeldPartitions had = before == nullptr ? HeldPartitions{} : current_of(*before).assigned;
  const std::int32_t was_at = before == nullptr ? 0 : current_of(*before).epoch;
  const Result<void, Refusal> done = beat(call, *place, step);
  check_invariants();
  if (!done) return refuse(done.error());

  const MemberAssignment& current = current_of(*members_.find(answer.member_id));
  answer.member_epoch = current.epoch;
  answer.heartbeat_interval_ms = static_cast<std::int32_t>(step.settings.consumer_heartbeat_interval.count());
  const bool missed_an_answer = call.member_epoch < was_at || (call.owned && !is_within(current.assigned, flatten(*call.owned)));
  if (is_full(call) || missed_an_answer || !same_partitions(had, current.assigned)) answer.assignment = by_topic(current.assigned);
  return answer;
}

/// What a member is told that went on without the group, or whose place another one has.
void ConsumerGroup::note_fenced(const ConsumerHeartbeatCall& call, const Refusal& refusal, const Step& step) {
  const bool is_fenced = refusal.error == ErrorCode::fenced_member_epoch || refusal.error == ErrorCode::fenced_instance_id;
  if (is_fenced) note(step, named_member(call.member_id) + " was fenced: " + refusal.message);
}

// Who it is.

Result<ConsumerGroup::Place, Refusal> ConsumerGroup::find_place(const ConsumerHeartbeatCall& call, const GroupSettings& settings) const {
  if (call.member_epoch == 0) return find_joining(call, settings);
  const Member* member = call.instance_id ? members_.find_instance(*call.instance_id) : members_.find(call.member_id);
  if (member == nullptr) {
    return unknown(call.instance_id ? "Instance id " + *call.instance_id : "Member " + call.member_id);
  }
  if (member->id != call.member_id) {
    return Refusal{.error = ErrorCode::fenced_instance_id,
                   .message = "Instance id " + *call.instance_id + " is that of member " + member->id + " now."};
  }
  if (std::optional<Refusal> fault = find_fault_in_epoch(call, current_of(*member))) return *std::move(fault);
  return Place{.member = member};
}

/// Who joins anew may be known: it was fenced, or lost its answer. A static member's place is free once it left for a while.
Result<ConsumerGroup::Place, Refusal> ConsumerGroup::find_joining(const ConsumerHeartbeatCall& call, const GroupSettings& settings) const {
  const Member* member = members_.find(id_of(call));
  const Member* holder = call.instance_id ? members_.find_instance(*call.instance_id) : nullptr;
  if (holder == nullptr || holder == member) {
    if (member != nullptr || members_.size() < settings.consumer_max_size) return Place{.member = member};
    return Refusal{.error = ErrorCode::group_max_size_reached,
                   .message = "The group has " + std::to_string(members_.size()) + " members, and may have no more."};
  }
  // One that speaks the classic protocol never says that it left.
  if (current_of(*holder).epoch != kLeftForAWhile && !speaks_classic(*holder)) {
    return Refusal{.error = ErrorCode::unreleased_instance_id,
                   .message = "Instance id " + *call.instance_id + " is that of member " + holder->id + ", which has not left."};
  }
  if (member == nullptr) return Place{.replaced = holder};
  return Refusal{.error = ErrorCode::invalid_request,
                 .message = "Member " + member->id + " is in the group already, apart from instance id " + *call.instance_id + "."};
}

Result<void, Refusal> ConsumerGroup::beat(const ConsumerHeartbeatCall& call, const Place& place, Step& step) {
  const bool is_known = place.member != nullptr && !is_news(call, *place.member->about);
  const bool was_classic = place.member != nullptr && speaks_classic(*place.member);
  const Member* const before = place.member != nullptr ? place.member : place.replaced;
  const Result<void, Refusal> said =
      is_known ? follow_topics(step) : update_member(id_of(call), updated(before != nullptr ? *before->about : About{}, call), place, step);
  if (!said) return said;
  Member& member = *members_.find(id_of(call));
  arm_session(member, step);
  if (was_classic) arm_rebalance(member, step);
  if (Result<void, Refusal> done = update_target(step); !done) return done;
  return reconcile_member(member, call.owned ? std::optional(flatten(*call.owned)) : std::nullopt, step);
}

// How it leaves.

Result<void, Refusal> ConsumerGroup::leave(const ConsumerHeartbeatCall& call, Step& step) {
  const Member* const member = call.instance_id ? members_.find_instance(*call.instance_id) : members_.find(call.member_id);
  if (member == nullptr) return unknown(call.instance_id ? "Instance id " + *call.instance_id : "Member " + call.member_id);
  if (member->id != call.member_id) {
    return Refusal{.error = ErrorCode::fenced_instance_id,
                   .message = "Instance id " + *call.instance_id + " is that of member " + member->id + " now."};
  }
  if (call.member_epoch == kLeftForAWhile) return leave_for_a_while(*member, step);
  return remove({&member, 1}, named_member(member->id) + " left", step);
}

Result<void, Refusal> ConsumerGroup::leave_for_a_while(const Member& member, Step& step) {
  const MemberAssignment left = away(current_of(member), kLeftForAWhile);
  if (left == current_of(member)) return {};
  const GroupRecord record = ConsumerCurrentMemberRecord{name_, member.id, stored(left)};
  if (Result<void, Refusal> done = commit({&record, 1}, step); !done) return done;
  arm_rebalance(*members_.find(member.id), step);
  note(step, "static " + named_member(member.id) + " left for a while");
  check_invariants();
  return {};
}

}  // namespace tidelog::broker
