#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/consumer_calls.h"
#include "broker/group/group_entry.h"
#include "broker/group/history.h"
#include "broker/group/noting_log.h"
#include "broker/group/offset_calls.h"
#include "broker/group/ports.h"
#include "broker/group/tombstone_batch.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Where an expiry that goes over all groups has got to: the next offset to look at.
struct ExpirySweep {
  std::string group;
  std::string topic;
  PartitionIndex partition{std::numeric_limits<std::int32_t>::min()};
  Moment goes_on_at{};
};

/// All groups and committed offsets that one partition of `__consumer_offsets` keeps.
///
/// A group is one of three kinds, and what it committed stays when the kind changes:
///
/// | it is | and this happens | then it is | with these records, in one batch |
/// |---|---|---|---|
/// | unknown | OffsetCommit by nobody's member | simple | the offsets |
/// | unknown, simple | JoinGroup without a member id | classic | none until its first generation is complete |
/// | unknown | ConsumerGroupHeartbeat, epoch 0 | consumer | the group's and the member's |
/// | simple, classic and empty | ConsumerGroupHeartbeat, epoch 0 | consumer | the classic group's tombstone before them |
/// | classic, of consumers | the same, and the policy lets it upgrade | consumer | that, and its members as migration.h has them |
/// | consumer and empty | JoinGroup without a member id | classic | tombstones of the old, an empty classic group |
/// | consumer | all speak the classic protocol and have synced, and the policy lets it | classic | tombstones of the old, the members |
/// | classic without members, nothing of it stored | the step ends | simple | none |
/// | simple | its last offset goes | unknown | the offset's tombstone |
/// | any, empty | DeleteGroups; or its last offset expired | unknown | tombstones of offsets and group |
///
/// A consumer group takes members of the classic protocol in as well, unless the policy is `disabled`. Where members of the other protocol
/// are not welcome, a group with members answers INCONSISTENT_GROUP_PROTOCOL to JoinGroup, GROUP_ID_NOT_FOUND to ConsumerGroupHeartbeat.
/// What a refused append would have said was not applied, and the group is what it was; a downgrade is tried again at the group's next
/// step.
///
/// Life: made empty, fed with every record of the partition, `loaded` once, then asked; dropped when the partition is no longer led here.
/// Invariant: what it knows of offsets and of stored groups is what a replay of all records that were appended gives, compacted or not.
class GroupMachine {
 public:
  GroupMachine() = default;
  ~GroupMachine() = default;
  GroupMachine(const GroupMachine&) = delete;
  GroupMachine& operator=(const GroupMachine&) = delete;

  /// The next record of the partition, in its order.
  void replay(const GroupRecord& record);
  void loaded(Step& step);
  /// Answers everybody who waits. Nothing is asked after that.
  void abandon(ErrorCode error, std::vector<LateAnswer>& late);

  // Each is one step. Nothing: the answer comes late.
  std::optional<JoinAnswer> join(const JoinCall& call, Step& step);
  std::optional<SyncAnswer> sync(const SyncCall& call, Step& step);
  ErrorCode heartbeat(const HeartbeatCall& call, Step& step);
  LeaveAnswer leave(const LeaveCall& call, Step& step);
  ConsumerHeartbeatAnswer heartbeat(const ConsumerHeartbeatCall& call, Step& step);
  CommitAnswer commit(const CommitCall& call, Step& step);
  [[nodiscard]] OffsetFetchAnswer fetch(const OffsetFetchCall& call) const;
  OffsetDeleteAnswer delete_offsets(const OffsetDeleteCall& call, Step& step);
  /// A group of very many offsets goes in several batches: if one is refused, part of them is gone, and the group is still there.
  ErrorCode delete_group(std::string_view group, Step& step);
  /// Forgets what the groups committed for a topic that is gone. What was committed for a later topic of the same name stays.
  void forget_topic(std::string_view topic, const Uuid& id, Step& step);
  /// Offsets that nobody came back for, and groups that have nothing left. Call now and then: offsets.retention.check.interval.ms. One call
  /// looks at a bounded number; `tick` goes on with the rest, and `wake_at` asks for it.
  void expire_offsets(Step& step);

  [[nodiscard]] std::vector<ListedGroup> list() const;
  /// GROUP_ID_NOT_FOUND: none of that name, or of the other kind.
  [[nodiscard]] Result<ClassicDescription, ErrorCode> describe_classic(std::string_view group) const;
  [[nodiscard]] Result<ConsumerDescription, ErrorCode> describe_consumer(std::string_view group) const;
  [[nodiscard]] const GroupHistory* history(std::string_view group) const;
  /// What the group committed; nothing if there is no such group. Valid until the next step.
  [[nodiscard]] const OffsetTable* offsets(std::string_view group) const;
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  /// Of all groups' names.
  [[nodiscard]] std::size_t name_bytes() const;
  /// What all of it takes in memory: an estimate that follows every step (memory.h).
  [[nodiscard]] std::size_t bytes() const { return bytes_ + topics_.bytes(); }
  /// Of one group; 0 if there is none.
  [[nodiscard]] std::size_t bytes(std::string_view group) const;

  /// What became due. Call when `wake_at` is past; earlier does no harm.
  void tick(Step& step);
  [[nodiscard]] std::optional<Moment> wake_at() const;

 private:
  using Groups = std::map<std::string, GroupEntry, std::less<>>;

  [[nodiscard]] GroupEntry* find(std::string_view group);
  [[nodiscard]] const GroupEntry* find(std::string_view group) const;
  GroupEntry& find_or_add(std::string_view group);
  /// Lets a group act: what it appends is noted, and whatever follows for the registry is done. `entry` may be gone afterwards.
  template <class Act>
  auto act(GroupEntry& entry, Step& step, const Act& act);
  void settle(GroupEntry& entry);
  /// Counts anew what it takes in memory.
  void weigh(GroupEntry& entry);
  void schedule(GroupEntry& entry);
  void schedule_at(GroupEntry& entry, std::optional<Moment> when);
  void check_invariants(const GroupEntry& entry) const;

  void apply(const OffsetRecord& record);
  void apply(const ClassicGroupRecord& record);
  void apply_to_consumer_group(const GroupRecord& record, std::string_view group, bool has_value);
  void become_simple(GroupEntry& entry);
  /// Appends, and applies what was appended.
  Result<void, ErrorCode> store(std::span<const GroupRecord> records, Step& step);

  std::optional<JoinAnswer> join_consumer_group(GroupEntry& entry, const JoinCall& call, Step& step);
  Result<void, ErrorCode> take_over_as_classic(GroupEntry& entry, Step& step);
  static void go_back_to_classic(GroupEntry& entry, Step& step);
  ConsumerHeartbeatAnswer begin_consumer_group(const ConsumerHeartbeatCall& call, Step& step);
  ErrorCode may_commit(const CommitCall& call, Step& step);
  void sweep(Step& step);
  /// Whether the whole group was looked at.
  bool sweep_group(const GroupEntry& entry, TombstoneBatch& batch, std::size_t& left, const Step& step);

  TopicPool topics_;
  Groups groups_;
  std::set<std::pair<Moment, std::string_view>> due_;  ///< Names are the keys of `groups_`; a moment may be too early.
  std::optional<ExpirySweep> sweep_;
  std::size_t bytes_ = 0;  ///< Of all groups.
};

template <class Act>
auto GroupMachine::act(GroupEntry& entry, Step& step, const Act& act) {
  NotingLog log(step.log);
  Step inner = step_of(entry.name, step, log);
  auto answer = act(inner);
  go_back_to_classic(entry, inner);
  entry.is_stored = log.stored().value_or(entry.is_stored);
  settle(entry);
  return answer;
}

}  // namespace tidelog::broker
