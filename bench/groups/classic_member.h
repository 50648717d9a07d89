#pragma once

#include "bench/groups/member.h"

#include <optional>

namespace tidelog::bench {

/// A member that joins and syncs (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). The leader gives everybody a range. Eager: from the moment
/// it hears of a rebalance until its SyncGroup is answered it works on nothing.
class ClassicMember final : public Member {
 public:
  using Member::Member;
  std::vector<std::byte> next() override;
  void hear(Bytes payload, Clock::time_point now) override;

 private:
  enum class Asks : std::uint8_t { join, sync, heartbeat };

  void hear_join(Bytes payload, Clock::time_point now);
  void hear_sync(Bytes payload, Clock::time_point now);
  void hear_heartbeat(Bytes payload, Clock::time_point now);
  void join_again(Clock::time_point now);
  [[nodiscard]] std::vector<std::byte> sync() const;

  Asks asks_ = Asks::join;
  std::string id_;
  std::vector<std::string> led_;  ///< The ids of all members, if it leads.
  std::optional<Clock::time_point> stands_since_;
};

}  // namespace tidelog::bench
