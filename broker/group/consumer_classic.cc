#include "broker/group/consumer_group.h"
#include "broker/group/embedded.h"
#include "proto/base/check.h"

#include <algorithm>
#include <set>
#include <span>

namespace tidelog::broker {
namespace {

using About = ConsumerMemberRecord::Value;

bool is_consumer(const JoinCall& call) { return call.protocol_type == kConsumerProtocolType && !call.protocols.empty(); }

/// What it subscribes to. Nothing: it is no consumer, or nobody can read that.
std::optional<proto::ConsumerSubscription> read_subscription(const JoinCall& call) {
  if (!is_consumer(call)) return std::nullopt;
  Result<proto::ConsumerSubscription> said = proto::decode_subscription(call.protocols.front().metadata);
  if (!said) return std::nullopt;
  return *std::move(said);
}

About about(const JoinCall& call, const proto::ConsumerSubscription& said) {
  std::vector<std::string> names = said.topics;
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  const auto milliseconds = [](std::chrono::milliseconds time) {
    return static_cast<std::int32_t>(std::max<std::int64_t>(time.count(), 0));
  };
  return {.instance_id = call.instance_id,
          .rack_id = said.rack_id,
          .client_id = call.client_id,
          .client_host = call.client_host,
          .subscribed_names = std::move(names),
          .subscribed_regex = std::nullopt,
          .rebalance_timeout_ms = milliseconds(call.rebalance_timeout),
          .server_assignor = std::nullopt,
          .classic = ConsumerMemberRecord::Classic{.session_timeout_ms = milliseconds(call.session_timeout),
                                                   .protocols = to_stored(without_repeats(call.protocols))}};
}

/// The one that its JoinGroup was answered with.
const ConsumerMemberRecord::ClassicProtocol& told_protocol(const ConsumerMembers::Member& member) {
  static const ConsumerMemberRecord::ClassicProtocol none;
  const auto& protocols = member.about->classic->protocols;
  return protocols.empty() ? none : protocols.front();
}

/// Clients of the classic protocol know no other word for it.
ErrorCode in_classic_words(ErrorCode error) { return error == ErrorCode::fenced_member_epoch ? ErrorCode::unknown_member_id : error; }

}  // namespace

// JoinGroup: answered at once.

JoinAnswer ConsumerGroup::join(const JoinCall& call, Step& step) {
  note_settings(step.settings);
  const Result<Place, ErrorCode> place = find_place(call, step.settings);
  if (!place) return join_refused(place.error(), call.member_id);
  const Member* const before = place->member != nullptr ? place->member : place->replaced;
  const bool suits = is_consumer(call) && members_.support_one_of(call.protocols, before);
  const bool must_come_again = call.member_id.empty() && !call.instance_id && call.must_know_its_id;
  if (suits && must_come_again) return name_newcomer(call, step);
  const std::optional<proto::ConsumerSubscription> said = read_subscription(call);
  if (!suits || !said) return join_refused(ErrorCode::inconsistent_group_protocol, call.member_id);

  const std::string& id = call.member_id.empty() ? call.fresh_member_id : call.member_id;
  // One that rebalances eagerly has nothing at this point, and says so; version 0 of a subscription has no room to say anything else.
  const ClassicJoin joining{.id = id, .about = about(call, *said), .owned = find_partitions(said->owned, step.topics)};
  const Result<void, Refusal> done = join_as(joining, *place, step);
  check_invariants();
  if (!done) return join_refused(in_classic_words(done.error().error), id);
  const Member& member = *members_.find(id);
  JoinAnswer answer;
  answer.generation = current_of(member).epoch;
  answer.protocol_type = kConsumerProtocolType;
  answer.protocol = told_protocol(member).name;
  answer.member_id = id;
  return answer;
}

/// A member that went by this id, is not one any more and comes all the same would believe that it has what others have by now: it shall
/// begin anew.
Result<ConsumerGroup::Place, ErrorCode> ConsumerGroup::find_place(const JoinCall& call, const GroupSettings& settings) const {
  if (call.member_id.empty()) {
    const Member* const holder = call.instance_id ? members_.find_instance(*call.instance_id) : nullptr;
    if (holder != nullptr) return Place{.replaced = holder};
    if (members_.size() + pending_.size() >= settings.consumer_max_size) return ErrorCode::group_max_size_reached;
    return Place{};
  }
  if (!call.instance_id && pending_.contains(call.member_id)) {
    return members_.size() < settings.consumer_max_size ? Result<Place, ErrorCode>(Place{}) : ErrorCode::group_max_size_reached;
  }
  const Result<const Member*, ErrorCode> member = find_classic(call.member_id, call.instance_id);
  if (!member) return member.error();
  return Place{.member = *member};
}

JoinAnswer ConsumerGroup::name_newcomer(const JoinCall& call, const Step& step) {
  CHECK(!call.fresh_member_id.empty());
  const Moment until = step.now + call.session_timeout;
  pending_.add(call.fresh_member_id, until);
  next_due_ = std::min(next_due_, until);
  return join_refused(ErrorCode::member_id_required, call.fresh_member_id);
}

Result<void, Refusal> ConsumerGroup::join_as(const ClassicJoin& joining, const Place& place, Step& step) {
  const bool is_known = place.member != nullptr && joining.about == *place.member->about;
  const bool was_giving_up = place.member != nullptr && current_of(*place.member).state == MemberState::unrevoked_partitions;
  const Result<void, Refusal> told = is_known ? follow_topics(step) : update_member(joining.id, joining.about, place, step);
  if (!told) return told;
  Member& member = *members_.find(joining.id);
  member.has_synced = false;
  arm_session(member, step);
  if (Result<void, Refusal> done = update_target(step); !done) return done;
  if (Result<void, Refusal> done = reconcile_member(member, joining.owned, step); !done) return done;
  // However often it joins, it has its time once to give something up.
  const bool gives_up_still = was_giving_up && current_of(member).state == MemberState::unrevoked_partitions;
  if (!gives_up_still || member.rebalance_ends == Moment::max()) expect_again(member, step);
  return {};
}

void ConsumerGroup::expect_again(Member& member, const Step& step) {
  member.rebalance_ends = step.now + std::chrono::milliseconds(std::max(member.about->rebalance_timeout_ms, 0));
  next_due_ = std::min(next_due_, member.rebalance_ends);
}

// Who asks.

Result<const ConsumerMembers::Member*, ErrorCode> ConsumerGroup::find_classic(std::string_view id,
                                                                              const std::optional<std::string>& instance_id) const {
  const Member* const member = instance_id ? members_.find_instance(*instance_id) : members_.find(id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (member->id != id) return ErrorCode::fenced_instance_id;
  return speaks_classic(*member) ? Result<const Member*, ErrorCode>(member) : ErrorCode::unknown_member_id;
}

// SyncGroup and Heartbeat.

SyncAnswer ConsumerGroup::sync(const SyncCall& call, Step& step) {
  const Result<const Member*, ErrorCode> found = find_classic(call.member_id, call.instance_id);
  if (!found) return sync_refused(found.error());
  Member& member = *members_.find((*found)->id);
  const MemberAssignment& current = current_of(member);
  if (call.generation != current.epoch) return sync_refused(ErrorCode::illegal_generation);
  const ConsumerMemberRecord::ClassicProtocol& protocol = told_protocol(member);
  const bool is_other =
      (call.protocol_type && *call.protocol_type != kConsumerProtocolType) || (call.protocol && *call.protocol != protocol.name);
  if (is_other) return sync_refused(ErrorCode::inconsistent_group_protocol);

  arm_session(member, step);
  const bool gives_up = current.state == MemberState::unrevoked_partitions;
  if (current.epoch < target_.assignment_epoch && !gives_up) {
    expect_again(member, step);
    return sync_refused(ErrorCode::rebalance_in_progress);
  }
  if (!gives_up) member.rebalance_ends = Moment::max();
  member.has_synced = !gives_up;
  return {.protocol_type = std::string(kConsumerProtocolType),
          .protocol = protocol.name,
          .assignment = embed_assignment(current.assigned, protocol.metadata, step.topics)};
}

ErrorCode ConsumerGroup::heartbeat(const HeartbeatCall& call, Step& step) {
  note_settings(step.settings);
  const Result<const Member*, ErrorCode> found = find_classic(call.member_id, call.instance_id);
  if (!found) return found.error();
  Member& member = *members_.find((*found)->id);
  if (call.generation != current_of(member).epoch) return ErrorCode::illegal_generation;
  arm_session(member, step);
  // If the log takes nothing, the next heartbeat of anybody goes on from there; this one has said that the member lives.
  if (follow_topics(step)) (void)update_target(step);
  check_invariants();
  if (!must_rejoin(member)) return holds_up_the_way_back(member, step) ? ErrorCode::rebalance_in_progress : ErrorCode::none;
  if (member.rebalance_ends == Moment::max()) expect_again(member, step);
  return ErrorCode::rebalance_in_progress;
}

/// After a change of coordinators nobody knows who has synced: one that joins again does. It has no deadline for that, and is told until it
/// has joined.
bool ConsumerGroup::holds_up_the_way_back(const Member& member, const Step& step) const {
  if (member.has_synced || member.rebalance_ends != Moment::max()) return false;
  return may_downgrade(step.settings.migration_policy) && is_all_classic() && has_arrived();
}

bool ConsumerGroup::is_ready_for_classic() const {
  const auto has_synced = [](const auto& one) { return !one.second.about || one.second.has_synced; };
  return is_all_classic() && has_arrived() && std::ranges::all_of(members_.stored(), has_synced);
}

bool ConsumerGroup::must_rejoin(const Member& member) const {
  const MemberAssignment& current = current_of(member);
  if (current.epoch < target_.assignment_epoch) return true;
  const auto waits_for = [&](const TopicPartition& one) {
    return !std::ranges::binary_search(current.assigned, one, {}, &HeldPartition::partition) && is_free_for(member, one);
  };
  switch (current.state) {
    case MemberState::stable: return false;
    case MemberState::unreleased_partitions: return std::ranges::any_of(target_of(member), waits_for);
    case MemberState::unrevoked_partitions:
    case MemberState::unknown: return true;
  }
  return false;
}

// LeaveGroup.

LeaveAnswer ConsumerGroup::leave(const LeaveCall& call, Step& step) {
  note_settings(step.settings);
  LeaveAnswer answer;
  std::set<const Member*> seen;
  std::vector<const Member*> gone;
  for (const LeaveCall::Member& leaving : call.members) {
    const Result<const Member*, ErrorCode> member = find_leaving(leaving);
    if (!member) {
      answer.members.push_back(pending_.remove(leaving.id) ? ErrorCode::none : member.error());
      continue;
    }
    const bool is_first = seen.insert(*member).second;
    if (is_first) gone.push_back(*member);
    answer.members.push_back(is_first ? ErrorCode::none : ErrorCode::unknown_member_id);
  }
  std::span<const Member* const> rest = gone;
  while (!rest.empty()) {
    const auto some = rest.first(std::min(rest.size(), kMostFencedAtOnce));
    std::string why = named_member(some.front()->id) + " left";
    if (some.size() > 1) why += ", and " + std::to_string(some.size() - 1) + " more";
    if (const Result<void, Refusal> done = remove(some, std::move(why), step); !done) return {.error = done.error().error, .members = {}};
    rest = rest.subspan(some.size());
  }
  return answer;
}

/// By its id, or, as operators do, by its instance id alone.
Result<const ConsumerMembers::Member*, ErrorCode> ConsumerGroup::find_leaving(const LeaveCall::Member& leaving) const {
  const Member* const holder = leaving.id.empty() && leaving.instance_id ? members_.find_instance(*leaving.instance_id) : nullptr;
  return find_classic(holder != nullptr ? holder->id : leaving.id, leaving.instance_id);
}

}  // namespace tidelog::broker
