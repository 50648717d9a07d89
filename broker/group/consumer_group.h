#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/classic_members.h"
#include "broker/group/consumer_calls.h"
#include "broker/group/consumer_members.h"
#include "broker/group/consumer_validation.h"
#include "broker/group/history.h"
#include "broker/group/ports.h"
#include "proto/base/result.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// One group whose assignment the broker makes (KIP-848).
///
/// Three epochs follow each other: the group's, which a change of members, subscriptions, the assignor asked for or the topics moves on;
/// the target's, which is the group epoch that the target was made for; each member's, which is the target epoch it has arrived at. A
/// group's epoch begins at 1, so that the first member is answered 2. The state follows from them:
///
///   state       | when                                       | what leads away
///   Empty       | no members                                 | a member joins: Assigning
///   Assigning   | group epoch > target epoch                 | the next heartbeat makes the target: Reconciling, Stable
///   Reconciling | some member is not where its target is     | heartbeats of the members (reconciliation.h): Stable
///   Stable      | every member is where its target is        |
///   any         | a change as above: Assigning; the last member goes: Empty
///
/// A member may speak the classic protocol (migration.h): its generation is its epoch, and it is never told to lead.
///
///   it asks   | and                                                              | then
///   ----------+------------------------------------------------------------------+------------------------------------------------------
///   JoinGroup | its protocols suit, it is new, or known, or takes a static place | its subscription counts; it goes towards its target
///             |                                                                  | as a heartbeat would, by what it says it owns
///   SyncGroup | the target has passed its epoch, and it need not give up first   | REBALANCE_IN_PROGRESS: it joins again
///             | else                                                             | its assignment
///   Heartbeat | it has something to give up, or the target has passed its epoch, | REBALANCE_IN_PROGRESS: it joins again
///             | or what it waits for has become free; or all speak the classic   |
///             | protocol, and a coordinator before this one knew that it synced  |
///   nothing   | within its rebalance timeout after it was told, or has joined    | it is fenced
///
/// Members that do not say anything within their session, or do not give up partitions within their rebalance timeout, are fenced: removed,
/// and whatever they say afterwards is refused.
/// A heartbeat is up to three steps, each whole by itself (R8): who the member is and the group epoch; the target; what the member has. If
/// the log refuses a later one, the earlier ones stand, the member is told the error, and its next heartbeat goes on from there.
/// Crash: all but deadlines and history is rebuilt from the records, and what patterns stand for from the topics as well; deadlines begin
/// anew.
/// Invariant: a partition is some member's (to keep or to give up) or nobody's; 1 <= target epoch <= group epoch; no member's epoch is
/// above the target's.
class ConsumerGroup {
 public:
  static constexpr std::size_t kMostPatterns = 100;      ///< Different ones of all members: each is held against every topic there is.
  static constexpr std::size_t kMostFencedAtOnce = 256;  ///< By one `tick`, so that its records are a batch that a log takes.

  explicit ConsumerGroup(std::string name);
  // What follows from the members points at them.
  ConsumerGroup(const ConsumerGroup&) = delete;
  ConsumerGroup& operator=(const ConsumerGroup&) = delete;

  ConsumerHeartbeatAnswer heartbeat(const ConsumerHeartbeatCall& call, Step& step);
  JoinAnswer join(const JoinCall& call, Step& step);
  SyncAnswer sync(const SyncCall& call, Step& step);
  ErrorCode heartbeat(const HeartbeatCall& call, Step& step);
  LeaveAnswer leave(const LeaveCall& call, Step& step);
  /// Whether this member may commit with this epoch, whatever the partition; -1 with no name: only while the group is empty.
  ErrorCode may_commit(std::string_view member_id, std::int32_t member_epoch, Step& step);
  /// After STALE_MEMBER_EPOCH: whether it may commit for this partition all the same, because it has had it since before that epoch ended
  /// and has it still (KIP-1251).
  [[nodiscard]] ErrorCode may_commit(std::string_view member_id, std::int32_t member_epoch, const TopicPartition& partition) const;
  /// Whether this member may ask for its offsets with this epoch (OffsetFetch 9 and later).
  [[nodiscard]] ErrorCode may_fetch(std::string_view member_id, std::int32_t member_epoch) const;
  /// Whether another member has this static place now.
  [[nodiscard]] bool is_replaced(std::string_view member_id, const std::optional<std::string>& instance_id) const;

  /// What became due. Call when `wake_at` is past; earlier does no harm.
  void tick(Step& step);
  [[nodiscard]] std::optional<Moment> wake_at() const;

  /// A stored record of this group, at replay or live; offsets and classic records are none of its. The only place where what is stored
  /// changes.
  void apply(const GroupRecord& record);
  /// After the last replayed record: the sessions of its members begin.
  void loaded(Step& step);
  /// The records that forget the group. It may be, when nobody is in it.
  [[nodiscard]] std::vector<GroupRecord> tombstones() const;

  /// The fewest records that make a new group what this one is; of patterns, only what they stand for.
  [[nodiscard]] std::vector<GroupRecord> snapshot() const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view state() const;  ///< As Kafka prints it.
  [[nodiscard]] bool is_empty() const { return members_.size() == 0; }
  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes() const {
    return sizeof(ConsumerGroup) + 2 * bytes_beside(name_) + members_.bytes() + pending_.bytes() + history_.bytes();
  }
  [[nodiscard]] const ConsumerMembers& members() const { return members_; }
  /// Whether it may go on as a classic group (migration.h): all members speak that protocol, and have synced the last change.
  [[nodiscard]] bool is_ready_for_classic() const;
  [[nodiscard]] std::int32_t target_epoch() const { return target_.assignment_epoch; }
  /// Since when nobody has been in it, by the wall clock; -1 while somebody is, and if that is not known: it is not stored.
  [[nodiscard]] TimestampMs empty_since() const { return empty_since_; }
  [[nodiscard]] bool subscribes_to(std::string_view topic) const { return members_.subscriptions().anyone_wants(topic); }
  [[nodiscard]] ConsumerDescription describe() const;
  [[nodiscard]] const GroupHistory& history() const { return history_; }
  /// What happened to the group before it was this one.
  void inherit(GroupHistory history) { history_ = std::move(history); }

  /// For tests: all invariants, at the cost of looking at everything.
  [[nodiscard]] bool is_sound() const;

 private:
  using Member = ConsumerMembers::Member;

  /// Where the caller of a heartbeat stands in the group.
  struct Place {
    const Member* member = nullptr;    ///< None: it is new.
    const Member* replaced = nullptr;  ///< The static member whose place it takes.
  };
  /// What a JoinGroup says, in the group's terms.
  struct ClassicJoin {
    std::string id;
    ConsumerMemberRecord::Value about;
    PartitionSet owned;
  };
  /// Records of members, and what comes along with them: patterns and the group epoch.
  struct Draft {
    std::vector<GroupRecord> records;
    Subscriptions::Change change;
    std::string reason;  ///< For a new group epoch; empty: only if topics changed.
    bool empties_the_group = false;
  };

  // Heartbeats (consumer_heartbeat.cc).
  Result<Place, Refusal> find_place(const ConsumerHeartbeatCall& call, const GroupSettings& settings) const;
  Result<Place, Refusal> find_joining(const ConsumerHeartbeatCall& call, const GroupSettings& settings) const;
  Result<void, Refusal> beat(const ConsumerHeartbeatCall& call, const Place& place, Step& step);
  Result<void, Refusal> leave(const ConsumerHeartbeatCall& call, Step& step);
  Result<void, Refusal> leave_for_a_while(const Member& member, Step& step);
  void note_fenced(const ConsumerHeartbeatCall& call, const Refusal& refusal, const Step& step);

  // What members of either protocol say and get (consumer_update.cc).
  Result<void, Refusal> update_member(const std::string& id, ConsumerMemberRecord::Value about, const Place& place, Step& step);
  Result<void, Refusal> follow_topics(Step& step);
  Result<void, Refusal> update_target(Step& step);
  Result<void, Refusal> reconcile_member(Member& member, const std::optional<PartitionSet>& owned, Step& step);
  [[nodiscard]] std::string reason_of_change(const Place& place, const std::string& id, const ConsumerMemberRecord::Value& about) const;
  [[nodiscard]] std::string preferred_assignor(const ConsumerMemberRecord::Value* less, const ConsumerMemberRecord::Value* more) const;
  [[nodiscard]] PartitionSet wanted_target(const Member& member, const TopicsView& topics) const;
  [[nodiscard]] bool is_free_for(const Member& member, const TopicPartition& partition) const;

  // Members that speak the classic protocol (consumer_classic.cc).
  Result<Place, ErrorCode> find_place(const JoinCall& call, const GroupSettings& settings) const;
  Result<void, Refusal> join_as(const ClassicJoin& joining, const Place& place, Step& step);
  JoinAnswer name_newcomer(const JoinCall& call, const Step& step);
  [[nodiscard]] Result<const Member*, ErrorCode> find_classic(std::string_view id, const std::optional<std::string>& instance_id) const;
  [[nodiscard]] Result<const Member*, ErrorCode> find_leaving(const LeaveCall::Member& leaving) const;
  [[nodiscard]] bool must_rejoin(const Member& member) const;
  [[nodiscard]] bool holds_up_the_way_back(const Member& member, const Step& step) const;
  [[nodiscard]] bool is_all_classic() const { return !is_empty() && members_.classic() == members_.size(); }
  /// Everybody is where its target is, and no other target is due.
  [[nodiscard]] bool has_arrived() const { return epoch_ == target_.assignment_epoch && members_.arrived() == members_.size(); }
  void expect_again(Member& member, const Step& step);

  // Patterns (consumer_patterns.cc).
  Result<void, Refusal> admit_pattern(const std::string& regex, Draft& draft, const Step& step) const;
  void refresh_patterns(Draft& draft, const TopicsView& topics) const;
  Result<void, Refusal> store_patterns_ahead(Draft& draft, Step& step);
  [[nodiscard]] GroupRecord record_of(const std::string& regex, const std::vector<std::string>& topics, const Step& step) const;
  void complete_patterns(const TopicsView& topics);

  // What is stored (consumer_group.cc).
  Result<void, Refusal> commit(std::span<const GroupRecord> records, Step& step);
  Result<void, Refusal> commit(Draft draft, Step& step);
  [[nodiscard]] std::int32_t next_epoch() const;
  Result<void, Refusal> remove(std::span<const Member* const> members, std::string reason, Step& step);
  void add_tombstones(const std::string& member, std::vector<GroupRecord>& records) const;

  void arm_session(Member& member, const Step& step);
  void arm_rebalance(Member& member, const Step& step);
  void note_settings(const GroupSettings& settings);
  /// Puts an event into the history, with the epoch that there is now.
  void note(const Step& step, std::string what);
  void check_invariants() const;

  std::string name_;
  ConsumerMembers members_;
  std::int32_t epoch_ = 1;
  std::int64_t metadata_hash_ = 0;
  ConsumerTargetEpochRecord::Value target_{.assignment_epoch = 1};

  // Not stored.
  std::optional<std::uint64_t> seen_topics_;  ///< The version that epoch and patterns were last held against.
  std::vector<std::string> assignors_{"uniform"};
  Moment next_due_ = Moment::max();  ///< Nothing is due before.
  TimestampMs empty_since_{-1};
  PendingMembers pending_;
  GroupHistory history_;
};

}  // namespace tidelog::broker
