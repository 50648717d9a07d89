#include "broker/group/group_machine.h"

#include "broker/group/admission.h"
#include "broker/group/migration.h"
#include "proto/base/check.h"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace tidelog::broker {
namespace {

/// So that a moment at which very many sessions end does not hold up the shard.
constexpr std::size_t kMostGroupsPerTick = 1000;
/// A group whose turn did not end what was due, because the log takes nothing, is not asked in a loop.
constexpr Moment kRetryPause = std::chrono::milliseconds(10);
/// Of the way back to the classic protocol, which looks at all members.
constexpr Moment kPauseAfterRefusal = std::chrono::seconds(5);

JoinAnswer refuse(const JoinCall& call, ErrorCode error) { return join_refused(error, call.member_id); }

ConsumerHeartbeatAnswer refuse(ErrorCode error, std::string message) {
  ConsumerHeartbeatAnswer answer;
  answer.error = error;
  answer.error_message = std::move(message);
  return answer;
}

GroupHistory history_of_change(const ClassicGroup& before, const ConsumerHeartbeatCall& call, const Step& step) {
  GroupHistory history = before.history();
  history.add({.at = step.wall_clock,
               .generation = before.generation(),
               .what = "the group goes on with the consumer protocol: " + named_member(call.member_id) + " speaks it"});
  return history;
}

/// Of a group that its classic members have together with the one who comes.
std::optional<Refusal> find_fault_in_size(const ConsumerHeartbeatCall& call, const ClassicMembers& members, const GroupSettings& settings) {
  const auto stay = static_cast<std::size_t>(std::ranges::count_if(members, [](const ClassicMember& member) { return !member.is_new; }));
  const ClassicMember* const replaced = call.instance_id ? members.find_instance(*call.instance_id) : members.find(call.member_id);
  const bool has_a_place = replaced != nullptr && !replaced->is_new;
  if (stay + (has_a_place ? 0 : 1) <= settings.consumer_max_size) return std::nullopt;
  return Refusal{.error = ErrorCode::group_max_size_reached,
                 .message = "The group has " + std::to_string(stay) + " members, and may have no more."};
}

}  // namespace

GroupEntry* GroupMachine::find(std::string_view group) {
  const auto at = groups_.find(group);
  return at == groups_.end() ? nullptr : &at->second;
}

const GroupEntry* GroupMachine::find(std::string_view group) const {
  const auto at = groups_.find(group);
  return at == groups_.end() ? nullptr : &at->second;
}

GroupEntry& GroupMachine::find_or_add(std::string_view group) {
  if (GroupEntry* const known = find(group)) return *known;
  const auto at = groups_.try_emplace(std::string(group), topics_).first;
  at->second.name = at->first;
  return at->second;
}

void GroupMachine::settle(GroupEntry& entry) {
  if (entry.is_idle_and_unstored()) {
    become_simple(entry);
    return;
  }
  schedule(entry);
  weigh(entry);
  check_invariants(entry);
}

void GroupMachine::weigh(GroupEntry& entry) {
  bytes_ -= entry.counted_bytes;
  entry.counted_bytes = entry.bytes();
  bytes_ += entry.counted_bytes;
}

void GroupMachine::schedule(GroupEntry& entry) {
  const std::optional<Moment> wanted = entry.wake_at();
  // Most sessions are renewed long before they end: nothing is touched then, and the group is asked once in vain.
  if (wanted && (!entry.scheduled || *wanted < *entry.scheduled)) schedule_at(entry, wanted);
}

void GroupMachine::schedule_at(GroupEntry& entry, std::optional<Moment> when) {
  if (entry.scheduled) due_.erase({*entry.scheduled, entry.name});
  entry.scheduled = when;
  if (when) due_.emplace(*when, entry.name);
}

void GroupMachine::check_invariants(const GroupEntry& entry) const {
  CHECK(!entry.classic || !entry.consumer);
  CHECK(!entry.is_simple() || (!entry.offsets.empty() && !entry.is_stored && !entry.scheduled));
  CHECK(due_.size() <= groups_.size());
}

// Replay, and what live steps do to state.

void GroupMachine::replay(const GroupRecord& record) {
  const auto visit = [this, &record](const auto& its) {
    using Record = std::decay_t<decltype(its)>;
    if constexpr (std::is_same_v<Record, OffsetRecord> || std::is_same_v<Record, ClassicGroupRecord>) {
      apply(its);
    } else if constexpr (std::is_same_v<Record, ConsumerPartitionMetadataRecord>) {
      apply_to_consumer_group(record, its.group, false);
    } else if constexpr (!std::is_same_v<Record, ForeignRecord>) {
      apply_to_consumer_group(record, its.group, its.value.has_value());
    }
  };
  std::visit(visit, record);
}

void GroupMachine::apply(const OffsetRecord& record) {
  const OffsetTable::Key key{record.topic, record.partition};
  if (record.value) {
    GroupEntry& entry = find_or_add(record.group);
    entry.offsets.put(key, *record.value);
    weigh(entry);
    return;
  }
  GroupEntry* const entry = find(record.group);
  if (entry == nullptr) return;
  entry->offsets.erase(key);
  if (entry->is_simple()) return become_simple(*entry);
  weigh(*entry);
}

void GroupMachine::apply(const ClassicGroupRecord& record) {
  if (!record.value) {
    // A consumer group of the same name came after what this forgets.
    if (GroupEntry* const entry = find(record.group); entry != nullptr && !entry->consumer) become_simple(*entry);
    return;
  }
  GroupEntry& entry = find_or_add(record.group);
  entry.consumer.reset();
  if (!entry.classic) entry.classic = std::make_unique<ClassicGroup>(record.group);
  entry.classic->replay(*record.value);
  entry.is_stored = true;
  weigh(entry);
}

/// Compaction leaves the last record of each key, so that a member may come before its group, or a tombstone without what it forgets: a
/// value makes the group, the tombstone of the group itself ends it, any other tombstone only speaks to a group that is there.
void GroupMachine::apply_to_consumer_group(const GroupRecord& record, std::string_view group, bool has_value) {
  if (has_value) {
    GroupEntry& entry = find_or_add(group);
    entry.classic.reset();
    if (!entry.consumer) entry.consumer = std::make_unique<ConsumerGroup>(std::string(group));
    entry.consumer->apply(record);
    entry.is_stored = true;
    return weigh(entry);
  }
  GroupEntry* const entry = find(group);
  if (entry == nullptr || !entry->consumer) return;
  entry->consumer->apply(record);
  if (std::holds_alternative<ConsumerGroupRecord>(record)) return become_simple(*entry);
  weigh(*entry);
}

/// Leaves nothing of a group but its offsets; nothing at all if there are none.
void GroupMachine::become_simple(GroupEntry& entry) {
  schedule_at(entry, std::nullopt);
  entry.classic.reset();
  entry.consumer.reset();
  entry.is_stored = false;
  if (!entry.offsets.empty()) return weigh(entry);
  bytes_ -= entry.counted_bytes;
  groups_.erase(groups_.find(entry.name));
}

Result<void, ErrorCode> GroupMachine::store(std::span<const GroupRecord> records, Step& step) {
  if (records.empty()) return {};
  if (const Result<void, ErrorCode> appended = step.log.append(records); !appended) return appended;
  for (const GroupRecord& record : records) replay(record);
  return {};
}

void GroupMachine::loaded(Step& step) {
  for (auto at = groups_.begin(); at != groups_.end();) {
    GroupEntry& entry = (at++)->second;  // It may be gone after its turn.
    const auto begin_sessions = [&entry](Step& inner) {
      if (entry.classic) entry.classic->loaded(inner);
      if (entry.consumer) entry.consumer->loaded(inner);
      return true;
    };
    if (!entry.is_simple()) act(entry, step, begin_sessions);
  }
}

void GroupMachine::abandon(ErrorCode error, std::vector<LateAnswer>& late) {
  for (auto& [name, entry] : groups_) {
    if (entry.classic) entry.classic->abandon(error, late);
  }
  due_.clear();
  sweep_.reset();
}

// The classic protocol.

std::optional<JoinAnswer> GroupMachine::join(const JoinCall& call, Step& step) {
  if (call.group.empty()) return refuse(call, ErrorCode::invalid_group_id);
  if (call.session_timeout < step.settings.min_session_timeout || call.session_timeout > step.settings.max_session_timeout) {
    return refuse(call, ErrorCode::invalid_session_timeout);
  }
  GroupEntry* entry = find(call.group);
  if (entry == nullptr && !call.member_id.empty()) return refuse(call, ErrorCode::unknown_member_id);
  if (!has_room(entry, call, step)) return refuse(call, ErrorCode::group_max_size_reached);
  if (entry != nullptr && entry->consumer) {
    if (!entry->is_empty()) return join_consumer_group(*entry, call, step);
    if (!call.member_id.empty()) return refuse(call, ErrorCode::unknown_member_id);
    if (const Result<void, ErrorCode> taken = take_over_as_classic(*entry, step); !taken) return refuse(call, taken.error());
    entry = find(call.group);  // Another one, if it had no offsets.
  }
  if (entry == nullptr) entry = &find_or_add(call.group);
  if (!entry->classic) entry->classic = std::make_unique<ClassicGroup>(call.group);
  return act(*entry, step, [&](Step& inner) { return entry->classic->join(call, inner); });
}

std::optional<JoinAnswer> GroupMachine::join_consumer_group(GroupEntry& entry, const JoinCall& call, Step& step) {
  if (step.settings.migration_policy == MigrationPolicy::disabled) return refuse(call, ErrorCode::inconsistent_group_protocol);
  return act(entry, step, [&](Step& inner) { return entry.consumer->join(call, inner); });
}

/// Who waits for an answer in the consumer group has it: none of its calls is answered late.
void GroupMachine::go_back_to_classic(GroupEntry& entry, Step& step) {
  if (!entry.consumer || !may_downgrade(step.settings.migration_policy) || step.now < entry.stays_until) return;
  if (!entry.consumer->is_ready_for_classic() || entry.consumer->members().size() > step.settings.max_size) return;
  std::optional<ClassicSuccessor> next = as_classic_group(*entry.consumer, step);
  if (!next) return;
  std::vector<GroupRecord> records = entry.consumer->tombstones();
  records.emplace_back(ClassicGroupRecord{.group = std::string(entry.name), .value = next->stored});
  if (!step.log.append(records)) {
    // Larger than a batch may be, or the disk refuses: it is not made anew for every heartbeat.
    entry.stays_until = step.now + kPauseAfterRefusal;
    return;
  }
  auto group = std::make_unique<ClassicGroup>(std::string(entry.name));
  group->inherit(entry.consumer->history());
  group->begin_with(next->stored, std::move(next->members), step);
  entry.consumer.reset();
  entry.classic = std::move(group);
}

Result<void, ErrorCode> GroupMachine::take_over_as_classic(GroupEntry& entry, Step& step) {
  std::vector<GroupRecord> records = entry.consumer->tombstones();
  const ClassicGroupRecord::Value empty{.protocol_type = {}, .protocol = {}, .leader = {}, .state_since = step.wall_clock, .members = {}};
  const std::string name(entry.name);
  records.emplace_back(ClassicGroupRecord{.group = name, .value = empty});
  GroupHistory history = entry.consumer->history();
  const Result<void, ErrorCode> stored = store(records, step);
  if (stored) find(name)->classic->inherit(std::move(history));  // Another entry, if it had no offsets.
  return stored;
}

std::optional<SyncAnswer> GroupMachine::sync(const SyncCall& call, Step& step) {
  if (call.group.empty()) return sync_refused(ErrorCode::invalid_group_id);
  GroupEntry* const entry = find(call.group);
  if (entry == nullptr || entry->is_simple()) return sync_refused(ErrorCode::unknown_member_id);
  return act(*entry, step, [&](Step& inner) {
    return entry->classic ? entry->classic->sync(call, inner) : std::optional(entry->consumer->sync(call, inner));
  });
}

ErrorCode GroupMachine::heartbeat(const HeartbeatCall& call, Step& step) {
  if (call.group.empty()) return ErrorCode::invalid_group_id;
  GroupEntry* const entry = find(call.group);
  if (entry == nullptr || entry->is_simple()) return ErrorCode::unknown_member_id;
  return act(*entry, step, [&](Step& inner) {
    return entry->classic ? entry->classic->heartbeat(call, inner) : entry->consumer->heartbeat(call, inner);
  });
}

LeaveAnswer GroupMachine::leave(const LeaveCall& call, Step& step) {
  LeaveAnswer refused;
  if (call.group.empty()) {
    refused.error = ErrorCode::invalid_group_id;
    return refused;
  }
  GroupEntry* const entry = find(call.group);
  if (entry == nullptr || entry->is_simple()) {
    refused.members.assign(call.members.size(), ErrorCode::unknown_member_id);
    return refused;
  }
  return act(*entry, step,
             [&](Step& inner) { return entry->classic ? entry->classic->leave(call, inner) : entry->consumer->leave(call, inner); });
}

// The consumer protocol.

ConsumerHeartbeatAnswer GroupMachine::heartbeat(const ConsumerHeartbeatCall& call, Step& step) {
  GroupEntry* const entry = find(call.group);
  if (!has_room(entry, call, step))
    return refuse(ErrorCode::group_max_size_reached, "Groups take all the memory that group.memory.bytes gives them.");
  if (entry != nullptr && entry->consumer) {
    return act(*entry, step, [&](Step& inner) { return entry->consumer->heartbeat(call, inner); });
  }
  if (std::optional<Refusal> fault = find_fault(call, step.settings)) return refuse(fault->error, std::move(fault->message));
  const bool may_go_on_here = entry != nullptr && (entry->is_empty() || may_upgrade(step.settings.migration_policy));
  // It was a member before the group went back to the classic protocol: told so it joins again, while there would be no group for it to
  // end.
  if (may_go_on_here && call.member_epoch > 0)
    return refuse(ErrorCode::unknown_member_id, "Member " + call.member_id + " is not in the group.");
  if (entry != nullptr && (call.member_epoch != 0 || !may_go_on_here))
    return refuse(ErrorCode::group_id_not_found, "group " + call.group + " is not a consumer group");
  if (call.member_epoch != 0) return refuse(ErrorCode::group_id_not_found, "there is no consumer group " + call.group);
  return begin_consumer_group(call, step);
}

/// The group comes to be, or takes the place of a classic one, when its first member's records are stored. What costs little is asked
/// before that one is laid out, which takes a while if it is large.
ConsumerHeartbeatAnswer GroupMachine::begin_consumer_group(const ConsumerHeartbeatCall& call, Step& step) {
  auto group = std::make_unique<ConsumerGroup>(call.group);
  std::vector<GroupRecord> first;
  const GroupEntry* const before = find(call.group);
  if (before != nullptr) first.emplace_back(ClassicGroupRecord{.group = call.group, .value = std::nullopt});
  if (before != nullptr && !before->is_empty()) {
    if (std::optional<Refusal> fault = find_fault_in_size(call, before->classic->members(), step.settings))
      return refuse(fault->error, std::move(fault->message));
    const std::optional<std::vector<GroupRecord>> members = as_consumer_group(*before->classic, step.topics);
    if (!members) return refuse(ErrorCode::group_id_not_found, "group " + call.group + " has members that are no consumers");
    for (const GroupRecord& record : *members) group->apply(record);
    first.insert(first.end(), members->begin(), members->end());
    Step its = step_of(call.group, step, step.log);
    group->loaded(its);
  }
  if (before != nullptr && before->classic) group->inherit(history_of_change(*before->classic, call, step));
  NotingLog log(step.log, std::move(first));
  Step inner = step_of(call.group, step, log);
  ConsumerHeartbeatAnswer answer = group->heartbeat(call, inner);
  if (!log.has_appended()) return answer;
  GroupEntry& entry = find_or_add(call.group);
  if (entry.classic) entry.classic->hand_over(step.late);
  schedule_at(entry, std::nullopt);
  entry.classic.reset();
  entry.consumer = std::move(group);
  entry.is_stored = log.stored().value_or(false);
  settle(entry);
  return answer;
}

// Time.

void GroupMachine::tick(Step& step) {
  for (std::size_t turns = 0; turns < kMostGroupsPerTick && !due_.empty() && due_.begin()->first <= step.now; ++turns) {
    GroupEntry& entry = *find(due_.begin()->second);
    schedule_at(entry, std::nullopt);
    const auto turn = [&entry](Step& inner) {
      if (entry.classic) entry.classic->tick(inner);
      if (entry.consumer) entry.consumer->tick(inner);
      return std::string(entry.name);
    };
    const std::string name = act(entry, step, turn);
    GroupEntry* const after = find(name);
    if (after != nullptr && after->scheduled && *after->scheduled <= step.now) schedule_at(*after, step.now + kRetryPause);
  }
  if (sweep_) sweep(step);
}

std::optional<Moment> GroupMachine::wake_at() const {
  std::optional<Moment> at;
  if (!due_.empty()) at = due_.begin()->first;
  if (sweep_) at = std::min(at.value_or(sweep_->goes_on_at), sweep_->goes_on_at);
  return at;
}

// What tools ask.

std::vector<ListedGroup> GroupMachine::list() const {
  std::vector<ListedGroup> all;
  all.reserve(groups_.size());
  for (const auto& [name, entry] : groups_) {
    if (entry.consumer) {
      all.push_back({.name = name, .protocol_type = "consumer", .state = entry.consumer->state(), .type = "consumer"});
    } else if (entry.classic) {
      const std::string_view state = broker::name(entry.classic->state());
      all.push_back({.name = name, .protocol_type = entry.classic->protocol_type(), .state = state, .type = "classic"});
    } else {
      all.push_back({.name = name, .protocol_type = {}, .state = broker::name(ClassicState::empty), .type = "classic"});
    }
  }
  return all;
}

Result<ClassicDescription, ErrorCode> GroupMachine::describe_classic(std::string_view group) const {
  const GroupEntry* const entry = find(group);
  if (entry == nullptr || entry->consumer) return ErrorCode::group_id_not_found;
  if (entry->classic) return entry->classic->describe();
  return ClassicDescription{.state = name(ClassicState::empty), .protocol_type = {}, .protocol = {}, .members = {}};
}

Result<ConsumerDescription, ErrorCode> GroupMachine::describe_consumer(std::string_view group) const {
  const GroupEntry* const entry = find(group);
  if (entry == nullptr || !entry->consumer) return ErrorCode::group_id_not_found;
  return entry->consumer->describe();
}

std::size_t GroupMachine::name_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, entry] : groups_) bytes += name.size();
  return bytes;
}

std::size_t GroupMachine::bytes(std::string_view group) const {
  const GroupEntry* const entry = find(group);
  return entry == nullptr ? 0 : entry->counted_bytes;
}

const GroupHistory* GroupMachine::history(std::string_view group) const {
  static const GroupHistory kNone;
  const GroupEntry* const entry = find(group);
  if (entry == nullptr) return nullptr;
  if (entry->classic) return &entry->classic->history();
  return entry->consumer ? &entry->consumer->history() : &kNone;
}

const OffsetTable* GroupMachine::offsets(std::string_view group) const {
  const GroupEntry* const entry = find(group);
  return entry == nullptr ? nullptr : &entry->offsets;
}

}  // namespace tidelog::broker
