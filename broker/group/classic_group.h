#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/classic_members.h"
#include "broker/group/history.h"
#include "broker/group/ports.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

enum class ClassicState : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable, dead };

// Where a group goes from each state. Everything else leaves it where it is.
//
//   from                 | when                                                                          | to
//   ---------------------+-------------------------------------------------------------------------------+--------------------
//   Empty                | a member comes                                                                | PreparingRebalance
//   PreparingRebalance   | all members have joined, or the join deadline passed and some have            | CompletingRebalance
//                        | the same with nobody left, and that is stored                                 | Empty
//                        | the same with nobody left, and storing is refused: tries again                | PreparingRebalance
//                        | the deadline passed and only static members are left, none has joined: waits  | PreparingRebalance
//   CompletingRebalance  | the leader's assignment came and is stored                                    | Stable
//                        | storing it is refused                                                         | PreparingRebalance
//   CompletingRebalance, | a member comes, leaves, times out, changes its protocols, takes over from     | PreparingRebalance
//   Stable               |   its static namesake; in Stable: the leader joins again; not all have synced |
//                        |   by the sync deadline                                                        |
//   Stable               | a static namesake takes over, the vote stays as it was, and that is stored    | Stable
//   (a consumer group)   | only members that speak this protocol are left in it (migration.h)            | PreparingRebalance
//   any                  | handed over to a consumer group                                               | Dead
//   any                  | abandoned                                                                     | Dead
//
// The first PreparingRebalance after Empty lasts for the initial rebalance delay, longer if more members come. What is stored changes with
// the arrows that say so only: the record is appended, then applied; refused, nothing of it holds. Generation, leader and protocol of a
// CompletingRebalance are not stored before it is Stable: after a restart the group stands where it was stable or empty last. What a
// consumer group left has no leader, since nobody has assigned it: after a restart it goes to PreparingRebalance as well.

/// One group that speaks the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup).
/// Crash: rebuilt by `replay`; members who joined since the last stored generation learn that they are unknown and join again.
/// Invariant: every ticket of a call that got no answer at once is answered exactly once, in a later step or by `abandon`.
class ClassicGroup {
 public:
  explicit ClassicGroup(std::string name);

  /// Nothing: the answer comes late, under the call's ticket.
  std::optional<JoinAnswer> join(const JoinCall& call, Step& step);
  std::optional<SyncAnswer> sync(const SyncCall& call, Step& step);
  ErrorCode heartbeat(const HeartbeatCall& call, Step& step);
  LeaveAnswer leave(const LeaveCall& call, Step& step);

  /// Who commits offsets: a member of this generation (its session is renewed), or, while the group is empty, anybody who claims none.
  struct Committer {
    std::string_view member_id;
    const std::optional<std::string>* instance_id = nullptr;
    std::int32_t generation = -1;
    bool is_transactional = false;
  };
  ErrorCode may_commit(const Committer& committer, Step& step);

  /// What became due. Call when `wake_at` is past; earlier does no harm.
  void tick(Step& step);
  /// When `tick` has something to do at the earliest; may be too early, never too late. Nothing: not before the next call.
  [[nodiscard]] std::optional<Moment> wake_at() const;

  /// A stored state, at replay: replaces what was known.
  void replay(const ClassicGroupRecord::Value& value);
  /// After the last replayed record: the sessions of its members begin.
  void loaded(Step& step);
  /// Answers everybody who waits: this is no longer the group's coordinator. The group is dead then.
  void abandon(ErrorCode error, std::vector<LateAnswer>& late);

  /// What was a consumer group goes on as this new one: its members are to join again. `stored` is what was appended of it, in the order of
  /// `members`.
  void begin_with(const ClassicGroupRecord::Value& stored, std::vector<ClassicMember> members, Step& step);
  /// A consumer group goes on in its place, with all members but those who never had an answer. Whoever waits shall come again; the group
  /// is dead then.
  void hand_over(std::vector<LateAnswer>& late);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ClassicState state() const { return state_; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] const std::optional<std::string>& protocol() const { return protocol_; }
  [[nodiscard]] const ClassicMembers& members() const { return members_; }
  /// Empty: only offsets are kept for it, or it never had a member.
  [[nodiscard]] const std::string& protocol_type() const { return protocol_type_; }
  /// What it takes in memory.
  [[nodiscard]] std::size_t bytes() const;
  /// Since when it has been empty, by the wall clock; -1 unless it is.
  [[nodiscard]] TimestampMs empty_since() const;
  /// Whether members are there, or somebody was told to come again with a name.
  [[nodiscard]] bool has_members() const { return !members_.empty() || !pending_.empty(); }
  /// Whether a member of a group of consumers subscribes to `topic`; true as well if that cannot be known (a subscription nobody can read).
  [[nodiscard]] bool subscribes_to(std::string_view topic) const;
  [[nodiscard]] ClassicDescription describe() const;
  [[nodiscard]] const GroupHistory& history() const { return history_; }
  /// What happened to the group before it was this one.
  void inherit(GroupHistory history) { history_ = std::move(history); }
  /// What the record of the present state says. Needs: stable or empty; else it is what nobody has stored.
  [[nodiscard]] ClassicGroupRecord::Value stored() const;

 private:
  // classic_join.cc
  std::optional<JoinAnswer> admit(const JoinCall& call, Step& step);
  [[nodiscard]] bool has_room_for(const JoinCall& call, const GroupSettings& settings) const;
  [[nodiscard]] bool suits(const JoinCall& call) const;
  JoinAnswer turn_away(const JoinCall& call, Step& step);
  JoinAnswer name_newcomer(const JoinCall& call, Step& step);
  void add_member(const JoinCall& call, const std::string& id, Step& step);
  std::optional<JoinAnswer> rejoin(ClassicMember& member, const JoinCall& call, Step& step);
  void update_and_wait(ClassicMember& member, const JoinCall& call, Step& step);
  [[nodiscard]] JoinAnswer generation_for(const ClassicMember& member) const;

  // classic_static.cc
  std::optional<JoinAnswer> take_over(ClassicMember& member, const JoinCall& call, Step& step);
  JoinAnswer take_over_in_place(ClassicMember& member, const JoinCall& call, Step& step);
  void rename_member(ClassicMember& member, const JoinCall& call, Step& step);

  // classic_sync.cc
  std::optional<SyncAnswer> answer_sync(const SyncCall& call, Step& step);
  [[nodiscard]] ErrorCode check_sync(const SyncCall& call) const;
  void note_sync(ClassicMember& member);
  void store_assignment(const SyncCall& call, Step& step);
  void become_stable(ClassicGroupRecord::Value value, Step& step);

  // classic_leave.cc
  ErrorCode leave_one(const LeaveCall::Member& leaving, Step& step);

  // classic_rebalance.cc
  void rebalance(Step& step);
  void prepare(Step& step);
  void maybe_complete(Step& step);
  void complete(Step& step);
  void drop_absent(Step& step);
  bool elect_leader();
  void become_empty(Step& step);
  void begin_generation(Step& step);
  [[nodiscard]] std::int32_t next_generation() const;

  // classic_timers.cc
  [[nodiscard]] bool do_next_due(Step& step);
  void on_join_deadline(Step& step);
  void on_sync_deadline(Step& step);
  void look_at_session(Step& step);

  // classic_group.cc
  [[nodiscard]] ErrorCode check_member(std::string_view id, const std::optional<std::string>& instance_id) const;
  [[nodiscard]] ErrorCode check_generation(std::int32_t generation) const;
  void renew(ClassicMember& member, const Step& step);
  void remove_member(ClassicMember& member, Step& step);
  void answer_join(ClassicMember& member, JoinAnswer answer, Step& step);
  void answer_sync(ClassicMember& member, SyncAnswer answer, Step& step);
  void end();
  [[nodiscard]] SyncAnswer assignment_of(const ClassicMember& member) const;
  void look_at_subscriptions();
  [[nodiscard]] std::optional<std::set<std::string, std::less<>>> subscribed_topics() const;
  void enter(ClassicState state, const Step& step);
  /// Puts an event into the history that the next generation follows from: who did what, and what they said of it.
  void note(Step& step, std::string_view who, std::string_view what, std::string_view reason = {});
  /// The same of an event in the generation that there is.
  void remark(Step& step, std::string_view who, std::string_view what, std::string_view reason = {});
  void check_invariants() const;

  std::string name_;
  ClassicState state_ = ClassicState::empty;
  TimestampMs state_since_{-1};
  std::int32_t generation_ = 0;
  std::string protocol_type_;
  std::optional<std::string> protocol_;
  std::string leader_;  ///< Empty: none.
  ClassicMembers members_;
  PendingMembers pending_;

  std::optional<Moment> join_deadline_;  ///< Of a PreparingRebalance.
  std::optional<Moment> sync_deadline_;  ///< While members owe a sync.
  bool is_initial_ = false;              ///< This PreparingRebalance came from Empty: it lasts for its delay even when all have joined.
  bool newcomer_came_ = false;           ///< Since the initial delay began, or was extended last.
  Moment initial_began_{};
  bool is_unassigned_ = false;  ///< What was replayed last has no leader.

  /// What the members of this generation subscribe to. Nothing: not known, or not a group of consumers.
  std::optional<std::set<std::string, std::less<>>> subscribed_;
  std::size_t subscribed_bytes_ = 0;  ///< What they take in memory.
  GroupHistory history_;
  std::size_t noted_ = 0;  ///< Events since the last generation began.
};

/// As Kafka prints it.
std::string_view name(ClassicState state);

}  // namespace tidelog::broker
