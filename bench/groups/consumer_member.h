#pragma once

#include "bench/groups/member.h"

#include <map>
#include <set>

namespace tidelog::bench {

/// A member that says what it wants in heartbeats and is told what it has (ConsumerGroupHeartbeat, KIP-848). It gives up what it shall give
/// up at once, and goes on with the rest: it stands only for partitions that were taken from it and came back.
class ConsumerMember final : public Member {
 public:
  /// `id`: of this member alone.
  ConsumerMember(const GroupPlan& plan, std::string id) : Member(plan), id_(std::move(id)) {}
  std::vector<std::byte> next() override;
  void hear(Bytes payload, Clock::time_point now) override;

 private:
  using Owned = std::map<Uuid, std::vector<std::int32_t>>;

  void begin_anew(Clock::time_point now);
  void take(Owned owned, Clock::time_point now);

  std::string id_;
  Owned owned_;
  bool says_all_ = true;  ///< Its next heartbeat names what it has.
  std::map<std::pair<Uuid, std::int32_t>, Clock::time_point> given_up_;
};

}  // namespace tidelog::bench
