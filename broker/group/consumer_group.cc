#include "broker/group/consumer_group.h"

#include "broker/group/target_assignment.h"
#include "broker/group/topic_changes.h"
#include "proto/base/check.h"

#include <algorithm>
#include <limits>

namespace tidelog::broker {
namespace {

constexpr std::chrono::seconds kRetryAfterRefusal{1};
constexpr const char* kTooLarge =
    "What the group has to store at once is larger than a batch of __consumer_offsets may be (max.message.bytes); the broker's log has its "
    "size.";

std::string why_gone(const ConsumerMembers::Member& member, Moment now) {
  const std::string fenced = named_member(member.id) + " was fenced: ";
  if (member.session_ends <= now) return fenced + "its session timed out";
  const std::string did = speaks_classic(member) ? "it did not join and sync within " : "it did not give up its partitions within ";
  return fenced + did + std::to_string(member.about->rebalance_timeout_ms) + " ms";
}

}  // namespace

ConsumerGroup::ConsumerGroup(std::string name) : name_(std::move(name)) {}

ErrorCode ConsumerGroup::may_commit(std::string_view member_id, std::int32_t member_epoch, Step& step) {
  if (member_epoch < 0 && is_empty()) return ErrorCode::none;
  Member* const member = members_.find(member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  const bool is_its_epoch = member_epoch == current_of(*member).epoch;
  // In the classic protocol a commit is a sign of life.
  if (is_its_epoch && speaks_classic(*member)) arm_session(*member, step);
  if (is_its_epoch) return ErrorCode::none;
  return speaks_classic(*member) ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

bool ConsumerGroup::is_replaced(std::string_view member_id, const std::optional<std::string>& instance_id) const {
  const Member* const holder = instance_id ? members_.find_instance(*instance_id) : nullptr;
  return holder != nullptr && holder->id != member_id;
}

ErrorCode ConsumerGroup::may_commit(std::string_view member_id, std::int32_t member_epoch, const TopicPartition& partition) const {
  const Member* member = members_.find(member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  const ErrorCode stale = speaks_classic(*member) ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
  const MemberAssignment& current = current_of(*member);
  if (member_epoch > current.epoch) return stale;
  for (const HeldPartitions* held : {&current.assigned, &current.pending}) {
    const auto found = std::ranges::lower_bound(*held, partition, {}, &HeldPartition::partition);
    if (found != held->end() && found->partition == partition) return member_epoch < found->since ? stale : ErrorCode::none;
  }
  return stale;
}

ErrorCode ConsumerGroup::may_fetch(std::string_view member_id, std::int32_t member_epoch) const {
  if (member_id.empty() && member_epoch < 0) return ErrorCode::none;
  const Member* member = members_.find(member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (member_epoch == current_of(*member).epoch) return ErrorCode::none;
  return member->about->classic ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

// Time.

void ConsumerGroup::tick(Step& step) {
  note_settings(step.settings);
  if (step.now < next_due_) return;
  std::vector<const Member*> gone;
  std::string why;
  Moment next = Moment::max();
  for (const auto& [id, member] : members_.stored()) {
    if (!member.about) continue;
    const Moment due = std::min(member.session_ends, member.rebalance_ends);
    if (due > step.now || gone.size() == kMostFencedAtOnce) {
      next = std::min(next, due);
      continue;
    }
    if (gone.empty()) why = why_gone(member, step.now);
    gone.push_back(&member);
  }
  while (pending_.next() && *pending_.next() <= step.now) pending_.remove_next();
  next_due_ = std::min(next, pending_.next().value_or(Moment::max()));
  if (gone.empty()) return;
  if (gone.size() > 1) why += ", and " + std::to_string(gone.size() - 1) + " more timed out";
  if (!remove(gone, why, step)) next_due_ = step.now + kRetryAfterRefusal;
}

std::optional<Moment> ConsumerGroup::wake_at() const {
  if (is_empty() || next_due_ == Moment::max()) return std::nullopt;
  return next_due_;
}

void ConsumerGroup::arm_session(Member& member, const Step& step) {
  const std::chrono::milliseconds session{speaks_classic(member) ? std::chrono::milliseconds(member.about->classic->session_timeout_ms)
                                                                 : step.settings.consumer_session_timeout};
  member.session_ends = step.now + session;
  next_due_ = std::min(next_due_, member.session_ends);
}

/// Of members that speak the consumer protocol.
void ConsumerGroup::arm_rebalance(Member& member, const Step& step) {
  if (speaks_classic(member)) return;
  if (current_of(member).state != MemberState::unrevoked_partitions) {
    member.rebalance_ends = Moment::max();
    return;
  }
  member.rebalance_ends = step.now + std::chrono::milliseconds(std::max(member.about->rebalance_timeout_ms, 0));
  next_due_ = std::min(next_due_, member.rebalance_ends);
}

void ConsumerGroup::loaded(Step& step) {
  note_settings(step.settings);
  for (auto& [id, member] : members_.stored()) {
    if (!member.about) continue;
    arm_session(member, step);
    arm_rebalance(member, step);
  }
  complete_patterns(step.topics);
  empty_since_ = TimestampMs{-1};
  if (!is_empty()) note(step, "the group was read from the log by its coordinator, which knows of no events before");
}

// What is stored.

void ConsumerGroup::apply(const GroupRecord& record) {
  if (const auto* group = std::get_if<ConsumerGroupRecord>(&record)) {
    epoch_ = group->value ? group->value->epoch : 1;
    metadata_hash_ = group->value ? group->value->metadata_hash : 0;
  } else if (const auto* member = std::get_if<ConsumerMemberRecord>(&record)) {
    members_.set_about(member->member, member->value);
  } else if (const auto* target_epoch = std::get_if<ConsumerTargetEpochRecord>(&record)) {
    target_ = target_epoch->value.value_or(ConsumerTargetEpochRecord::Value{.assignment_epoch = 1});
    members_.set_target_epoch(target_.assignment_epoch);
  } else if (const auto* target = std::get_if<ConsumerTargetMemberRecord>(&record)) {
    members_.set_target(target->member, target->value);
  } else if (const auto* current = std::get_if<ConsumerCurrentMemberRecord>(&record)) {
    members_.set_current(current->member, current->value);
  } else if (const auto* regex = std::get_if<ConsumerRegexRecord>(&record)) {
    members_.subscriptions().set_resolved(regex->regex, regex->value ? std::optional(regex->value->topics) : std::nullopt);
  }
}

Result<void, Refusal> ConsumerGroup::commit(std::span<const GroupRecord> records, Step& step) {
  if (records.empty()) return {};
  if (const Result<void, ErrorCode> appended = step.log.append(records); !appended) {
    const bool is_too_large = appended.error() == ErrorCode::unknown_server_error;
    return Refusal{.error = appended.error(), .message = is_too_large ? kTooLarge : ""};
  }
  for (const GroupRecord& record : records) apply(record);
  return {};
}

/// The group epoch moves on for a reason given, or because topics that somebody wants came, went or grew.
Result<void, Refusal> ConsumerGroup::commit(Draft draft, Step& step) {
  const bool has_seen_topics = seen_topics_ == step.topics.version();
  if (!has_seen_topics) refresh_patterns(draft, step.topics);
  const bool are_patterns_news = !draft.change.resolved.empty();
  if (Result<void, Refusal> done = store_patterns_ahead(draft, step); !done) return done;
  const std::set<std::string> patterns = members_.subscriptions().patterns_after(draft.change);
  for (const auto& [regex, topics] : members_.subscriptions().all_resolved()) {
    if (!patterns.contains(regex)) draft.records.emplace_back(ConsumerRegexRecord{.group = name_, .regex = regex, .value = std::nullopt});
  }
  for (const auto& [regex, topics] : draft.change.resolved) draft.records.push_back(record_of(regex, topics, step));
  std::int64_t hash = metadata_hash_;
  std::vector<TopicFacts> wanted;
  if (!has_seen_topics || members_.subscriptions().alters(draft.change)) {
    wanted = members_.subscriptions().topics_after(draft.change, step.topics);
    hash = metadata_hash(wanted);
  }
  if (draft.reason.empty() && (hash != metadata_hash_ || are_patterns_news)) {
    // Only a target that was made for this epoch says what topics there were.
    const bool is_target_known = epoch_ == target_.assignment_epoch;
    draft.reason = is_target_known ? what_changed(partitions_by_topic(members_), wanted) : "topics changed";
  }
  if (!draft.reason.empty()) {
    const std::int32_t epoch = next_epoch();
    draft.records.emplace_back(ConsumerGroupRecord{name_, ConsumerGroupRecord::Value{.epoch = epoch, .metadata_hash = hash}});
    // Without a time, the next member's target is made at once.
    if (draft.empties_the_group) {
      draft.records.emplace_back(ConsumerTargetEpochRecord{name_, ConsumerTargetEpochRecord::Value{.assignment_epoch = epoch}});
    }
  }
  if (const Result<void, Refusal> done = commit(draft.records, step); !done) return done;
  for (auto& [regex, topics] : draft.change.resolved) members_.subscriptions().set_resolved(regex, std::move(topics));
  seen_topics_ = step.topics.version();
  if (!draft.reason.empty()) note(step, std::move(draft.reason));
  if (!is_empty()) {
    empty_since_ = TimestampMs{-1};
  } else if (empty_since_ == TimestampMs{-1}) {
    empty_since_ = step.wall_clock;
  }
  return {};
}

/// Above the target's as well: a log may say anything.
std::int32_t ConsumerGroup::next_epoch() const {
  const std::int32_t last = std::max(epoch_, target_.assignment_epoch);
  return last == std::numeric_limits<std::int32_t>::max() ? last : last + 1;
}

Result<void, Refusal> ConsumerGroup::remove(std::span<const Member* const> members, std::string reason, Step& step) {
  Draft draft{.records = {}, .change = {}, .reason = std::move(reason), .empties_the_group = members.size() == members_.size()};
  for (const Member* member : members) {
    add_tombstones(member->id, draft.records);
    draft.change.less.push_back(member->subscription);
  }
  const Result<void, Refusal> done = commit(std::move(draft), step);
  check_invariants();
  return done;
}

void ConsumerGroup::add_tombstones(const std::string& member, std::vector<GroupRecord>& records) const {
  records.emplace_back(ConsumerCurrentMemberRecord{name_, member, std::nullopt});
  records.emplace_back(ConsumerTargetMemberRecord{name_, member, std::nullopt});
  records.emplace_back(ConsumerMemberRecord{name_, member, std::nullopt});
}

std::vector<GroupRecord> ConsumerGroup::tombstones() const {
  std::vector<GroupRecord> records;
  for (const auto& [id, member] : members_.stored()) add_tombstones(id, records);
  for (const auto& [regex, topics] : members_.subscriptions().all_resolved()) {
    records.emplace_back(ConsumerRegexRecord{.group = name_, .regex = regex, .value = std::nullopt});
  }
  records.emplace_back(ConsumerTargetEpochRecord{name_, std::nullopt});
  records.emplace_back(ConsumerGroupRecord{name_, std::nullopt});
  return records;
}

std::vector<GroupRecord> ConsumerGroup::snapshot() const {
  std::vector<GroupRecord> records;
  records.emplace_back(ConsumerGroupRecord{name_, ConsumerGroupRecord::Value{.epoch = epoch_, .metadata_hash = metadata_hash_}});
  for (const auto& [regex, topics] : members_.subscriptions().all_resolved()) {
    records.emplace_back(ConsumerRegexRecord{name_, regex, ConsumerRegexRecord::Value{.topics = part_to_store(topics)}});
  }
  for (const auto& [id, member] : members_.stored()) {
    if (member.about) records.emplace_back(ConsumerMemberRecord{name_, id, member.about});
    if (member.target) records.emplace_back(ConsumerTargetMemberRecord{name_, id, by_topic(*member.target)});
    if (member.current) records.emplace_back(ConsumerCurrentMemberRecord{name_, id, stored(*member.current)});
  }
  records.emplace_back(ConsumerTargetEpochRecord{name_, target_});
  return records;
}

// What is told.

std::string_view ConsumerGroup::state() const {
  if (is_empty()) return "Empty";
  if (epoch_ > target_.assignment_epoch) return "Assigning";
  return members_.arrived() == members_.size() ? "Stable" : "Reconciling";
}

ConsumerDescription ConsumerGroup::describe() const {
  ConsumerDescription told{.state = state(),
                           .epoch = epoch_,
                           .assignment_epoch = target_.assignment_epoch,
                           .assignor = preferred_assignor(nullptr, nullptr),
                           .members = {}};
  for (const auto& [id, member] : members_.stored()) {
    if (!member.about) continue;
    told.members.push_back({.id = id,
                            .instance_id = member.about->instance_id,
                            .rack_id = member.about->rack_id,
                            .epoch = current_of(member).epoch,
                            .client_id = member.about->client_id,
                            .client_host = member.about->client_host,
                            .subscribed_names = member.about->subscribed_names,
                            .subscribed_regex = member.about->subscribed_regex,
                            .assigned = by_topic(current_of(member).assigned),
                            .target = by_topic(target_of(member)),
                            .is_classic = speaks_classic(member)});
  }
  return told;
}

void ConsumerGroup::note(const Step& step, std::string what) {
  history_.add({.at = step.wall_clock, .generation = epoch_, .what = std::move(what)});
}

void ConsumerGroup::note_settings(const GroupSettings& settings) {
  if (assignors_ != settings.consumer_assignors) assignors_ = settings.consumer_assignors;
}

/// The one that most members ask for, of those there are; the default if they agree on none.
std::string ConsumerGroup::preferred_assignor(const ConsumerMemberRecord::Value* less, const ConsumerMemberRecord::Value* more) const {
  std::string best;
  std::size_t most = 0;
  for (const std::string& name : assignors_) {
    if (!knows_assignor(name)) continue;
    if (best.empty()) best = name;
    const auto found = members_.assignors().find(name);
    std::size_t members = found == members_.assignors().end() ? 0 : found->second;
    if (less != nullptr && less->server_assignor == name) --members;
    if (more != nullptr && more->server_assignor == name) ++members;
    if (members > most) best = name;
    most = std::max(most, members);
  }
  return best.empty() ? "uniform" : best;
}

void ConsumerGroup::check_invariants() const { CHECK(members_.arrived() <= members_.size()); }

bool ConsumerGroup::is_sound() const {
  const auto is_member_sound = [&](const auto& one) {
    const MemberAssignment& current = current_of(one.second);
    const bool gives_up = current.state == MemberState::unrevoked_partitions;
    return !one.second.about || (current.epoch <= target_.assignment_epoch && gives_up == !current.pending.empty());
  };
  return members_.is_sound() && target_.assignment_epoch <= epoch_ && std::ranges::all_of(members_.stored(), is_member_sound);
}

}  // namespace tidelog::broker
