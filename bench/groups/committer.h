#pragma once

#include "bench/common/histogram.h"
#include "bench/groups/member.h"

namespace tidelog::bench {

/// What all committers of a run did.
struct Commits {
  std::uint64_t answered = 0;
  std::uint64_t late = 0;  ///< Begun more than an interval after they were due.
  Histogram latency;
};

/// Somebody who commits one partition's offset for a group without members, again and again, at a steady pace.
class Committer final : public Member {
 public:
  Committer(const GroupPlan& plan, std::string group, Milliseconds interval, Commits& commits)
      : Member(plan), group_(std::move(group)), interval_(interval), commits_(commits) {}
  std::vector<std::byte> next() override;
  void hear(Bytes payload, Clock::time_point now) override;
  /// Of its first commit.
  void begin_at(Clock::time_point at) { due_ = at; }

 private:
  std::string group_;
  Milliseconds interval_;
  Commits& commits_;
  Clock::time_point was_due_{};
  Clock::time_point asked_at_{};
  std::int64_t offset_ = 0;
};

}  // namespace tidelog::bench
