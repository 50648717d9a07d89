#pragma once

#include "client/consumer/fetcher.h"
#include "client/group/calls.h"

namespace tidelog::core {

/// A member's part on the loop: finds the coordinator, carries what the membership asks, and wakes whoever polls when there is a change.
/// Life: shared with its own callbacks; `stop` says goodbye if it has to, and then it does nothing more.  Thread: the loop.
class GroupSession : public std::enable_shared_from_this<GroupSession> {
 public:
  GroupSession(ClientCore& core, std::shared_ptr<ConsumerState> state, MemberSettings settings, std::unique_ptr<Membership> member);

  void start();
  /// Leaves; `done` runs when the coordinator has heard it, or will not. Nobody waits for what was asked before.
  void leave(Task done);
  /// Does what is due now, and sees that it is called again.
  void step();

  [[nodiscard]] Membership& member() { return *member_; }
  /// For what is asked about offsets: a join may wait for others, and who reads on meanwhile goes on committing.
  [[nodiscard]] std::uint64_t offset_lane() const { return offset_lane_; }

 private:
  void find_coordinator();
  void on_coordinator(result<Answer> answer);
  void send(Call call);
  void on_answer(const Call& call, result<Answer> answer);
  void lose_coordinator();
  void look_at_topics();
  void tell();
  void arm_timer();
  void finish();

  ClientCore& core_;
  std::shared_ptr<ConsumerState> state_;
  MemberSettings settings_;
  std::unique_ptr<Membership> member_;
  std::uint64_t lane_;
  std::uint64_t offset_lane_;
  std::optional<std::int32_t> coordinator_;
  bool is_finding_ = false;
  bool is_refreshing_ = false;
  bool is_stepping_ = false;
  bool is_stopped_ = false;
  std::shared_ptr<const Metadata> seen_;  ///< What the member was told last.
  TimePoint retry_at_;
  int failures_ = 0;
  std::optional<IoLoop::TimerId> timer_;
  int listener_ = 0;
  Task left_;
};

}  // namespace tidelog::core
