#include "broker/group/consumer_group.h"
#include "broker/group/target_assignment.h"
#include "proto/base/check.h"

#include <functional>

namespace tidelog::broker {
namespace {

using About = ConsumerMemberRecord::Value;

Refusal fenced(const std::string& why) {
  return {.error = ErrorCode::fenced_member_epoch, .message = why + " The member must give up all its partitions and join again."};
}

Wish wish_of(const About& about) { return {.names = about.subscribed_names, .regex = about.subscribed_regex.value_or("")}; }

bool may_make_target(const ConsumerTargetEpochRecord::Value& target, const Step& step) {
  const std::int64_t interval = step.settings.consumer_assignment_interval.count();
  // The wall clock may have been set back; nobody waits for it to catch up.
  return target.made_at <= TimestampMs{0} || step.wall_clock < target.made_at || step.wall_clock - target.made_at >= interval;
}

}  // namespace

// What it says of itself, and what follows for the group.

Result<void, Refusal> ConsumerGroup::follow_topics(Step& step) {
  return seen_topics_ == step.topics.version() ? Result<void, Refusal>() : commit(Draft{}, step);
}

Result<void, Refusal> ConsumerGroup::update_member(const std::string& id, About about, const Place& place, Step& step) {
  const Member* const before = place.member != nullptr ? place.member : place.replaced;
  Draft draft;
  draft.reason = reason_of_change(place, id, about);
  const Wish wish = wish_of(about);
  if (before == nullptr || before->subscription->wish != wish) {
    if (Result<void, Refusal> admitted = admit_pattern(wish.regex, draft, step); !admitted) return admitted;
    if (before != nullptr) draft.change.less.push_back(before->subscription);
    draft.change.more = wish;
  }
  std::string event;
  if (place.replaced != nullptr) {
    add_tombstones(place.replaced->id, draft.records);
    event = named_member(id) + " took the place of " + legible(place.replaced->id, kMostNameBytes) + " (instance id " +
            legible(about.instance_id.value_or(""), kMostNameBytes) + ")";
  }
  draft.records.emplace_back(ConsumerMemberRecord{name_, id, std::move(about)});
  if (place.replaced != nullptr) {
    MemberAssignment taken = away(current_of(*place.replaced), 0);
    taken.previous_epoch = 0;
    draft.records.emplace_back(ConsumerTargetMemberRecord{name_, id, by_topic(target_of(*place.replaced))});
    draft.records.emplace_back(ConsumerCurrentMemberRecord{name_, id, stored(taken)});
  }
  const Result<void, Refusal> done = commit(std::move(draft), step);
  if (done) pending_.remove(id);
  if (done && !event.empty()) note(step, std::move(event));
  return done;
}

std::string ConsumerGroup::reason_of_change(const Place& place, const std::string& id, const About& about) const {
  const Member* const before = place.member != nullptr ? place.member : place.replaced;
  if (before == nullptr) return named_member(id) + " joined";
  if (before->subscription->wish != wish_of(about)) return named_member(id) + " subscribes to other topics";
  const std::string assignor = preferred_assignor(&*before->about, &about);
  return assignor == preferred_assignor(nullptr, nullptr) ? "" : "most members ask for the assignor " + assignor;
}

// What it gets.

Result<void, Refusal> ConsumerGroup::update_target(Step& step) {
  if (epoch_ <= target_.assignment_epoch || !may_make_target(target_, step)) return {};
  const std::string assignor = preferred_assignor(nullptr, nullptr);
  std::vector<GroupRecord> records = new_targets(name_, members_, step.topics, assignor);
  records.emplace_back(
      ConsumerTargetEpochRecord{name_, ConsumerTargetEpochRecord::Value{.assignment_epoch = epoch_, .made_at = step.wall_clock}});
  const Result<void, Refusal> done = commit(records, step);
  if (done) note(step, "partitions were assigned to " + counted(members_.size(), "member") + " by " + assignor);
  return done;
}

/// Its target, without what it unsubscribed from since the target was made.
PartitionSet ConsumerGroup::wanted_target(const Member& member, const TopicsView& topics) const {
  PartitionSet wanted;
  const Uuid* topic = nullptr;
  bool is_wanted = false;
  for (const TopicPartition& one : target_of(member)) {
    if (topic == nullptr || *topic != one.topic_id) {
      topic = &one.topic_id;
      const std::optional<TopicFacts> facts = topics.find(one.topic_id);
      is_wanted = facts && members_.subscriptions().wants(member.subscription->wish, facts->name);
    }
    if (is_wanted) wanted.push_back(one);
  }
  return wanted;
}

/// Whoever has it still, even if only to give it up, keeps others away.
bool ConsumerGroup::is_free_for(const Member& member, const TopicPartition& partition) const {
  const Member* const owner = members_.owner(partition);
  return owner == nullptr || owner == &member;
}

Result<void, Refusal> ConsumerGroup::reconcile_member(Member& member, const std::optional<PartitionSet>& owned, Step& step) {
  const bool is_cut = epoch_ > target_.assignment_epoch;
  const MemberAssignment& current = current_of(member);
  if (!is_cut && current.state == MemberState::stable && current.epoch == target_.assignment_epoch) return {};

  const PartitionSet target = is_cut ? wanted_target(member, step.topics) : target_of(member);
  const std::function<bool(const TopicPartition&)> is_free = [&](const TopicPartition& partition) {
    return is_free_for(member, partition);
  };
  const Result<MemberAssignment, ErrorCode> next = reconcile({.current = current,
                                                              .target_epoch = target_.assignment_epoch,
                                                              .target = target,
                                                              .owned = owned ? &*owned : nullptr,
                                                              .is_cut = is_cut,
                                                              .is_free = is_free});
  if (!next) return fenced("What it has was stored by a later version.");
  if (*next == current) return {};
  const GroupRecord record = ConsumerCurrentMemberRecord{name_, member.id, stored(*next)};
  if (Result<void, Refusal> done = commit({&record, 1}, step); !done) return done;
  CHECK(current_of(member) == *next);
  arm_rebalance(member, step);
  return {};
}

}  // namespace tidelog::broker
