#pragma once

#include "client/group/calls.h"
#include "tests/sim/group_requests.h"

#include <memory>

namespace tidelog::sim {

struct GroupMemberPlan {
  int seat = 0;
  std::string group;
  bool is_classic = true;
  bool is_static = false;
  bool group_is_mixed = false;  ///< Others in it speak the other protocol.
  core::Assignor assignor = core::Assignor::range;
  std::chrono::milliseconds session{1500};  ///< Of the consumer protocol: what the broker has it be.
  std::chrono::milliseconds heartbeat{150};
  std::chrono::milliseconds max_poll{2000};
  SteadyTime commit_pause{};
  SteadyTime longest_life{}, longest_rest{};  ///< It leaves, or just ends, and comes again as another member.
  std::uint64_t nap_per_mille = 0;            ///< Now and then it does nothing for longer than its session, and goes on as if nothing was.
};

/// A consumer's process: our own client's member of a group (client/group), its requests carried by a simulated connection. It commits for
/// what it has, and tells the audit all it hears.
/// Life: outlives its coroutine `run`.
class SimGroupMember {
 public:
  SimGroupMember(ClientWorld& clients, GroupAudit& audit, SimLoop& loop, std::pair<GroupMemberPlan, Dice> what);

  asio::awaitable<void> run();
  /// From now on it stays.
  void settle() { is_calm_ = true; }
  [[nodiscard]] bool is_settled() const { return is_calm_ && member_ != nullptr && member_->is_settled() && !member_->is_leaving(); }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] const GroupMemberPlan& plan() const { return plan_; }
  [[nodiscard]] std::string state() const;

 private:
  void begin_life();
  void end_life();
  /// Who leaves has given up before that, and a process that has ended reads nothing.
  void stop_reading();
  [[nodiscard]] bool lives() const { return !clients_.should_stop && !member_->is_over() && !is_dead_; }
  asio::awaitable<void> work(KafkaConnection& connection);
  /// What is to be done now, one thing. False: the connection is of no use any more.
  asio::awaitable<bool> go_on(KafkaConnection& connection);
  asio::awaitable<bool> follow(KafkaConnection& connection, core::Change change);
  asio::awaitable<bool> ask(KafkaConnection& connection, core::Call call);
  asio::awaitable<bool> commit(KafkaConnection& connection, std::vector<int> partitions);
  void grow_old();
  void give_topics();
  void note(const core::Call& call, const core::CallAnswer& told, SteadyTime asked);
  void renew(const core::CallAnswer& told, SteadyTime asked);
  void note_unknown(SteadyTime asked);
  [[nodiscard]] GroupPlace place(int partition) const { return {.group = plan_.group, .partition = partition}; }
  [[nodiscard]] bool commits_now() const { return !owned_.empty() && member_->generation() >= 0 && loop_.now() >= commit_at_; }

  ClientWorld& clients_;
  GroupAudit& audit_;
  SimLoop& loop_;
  GroupMemberPlan plan_;
  Dice dice_;
  core::MemberSettings settings_;
  std::unique_ptr<core::Membership> member_;
  std::set<int> owned_;
  int lives_ = 0;
  bool is_calm_ = false;
  bool is_dead_ = false;
  bool is_kept_ = false;                     ///< The coordinator has said that it is a member, in an answer that is kept over a crash.
  SteadyTime right_until_{};                 ///< Before, nobody may take what it has, nor forget it.
  std::optional<SteadyTime> unheard_since_;  ///< It may have been told to give something up, and has not heard it.
  SteadyTime life_ends_{};
  SteadyTime commit_at_{};
  ErrorCode last_error_{};
  bool is_done_ = false;
};

}  // namespace tidelog::sim
