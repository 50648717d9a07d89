#pragma once

#include "client/group/classic_member.h"

#include <gtest/gtest.h>

namespace tidelog::core {

using namespace std::chrono_literals;

inline const PartitionSet kBoth{{"t", 0}, {"t", 1}};

inline Change gains(PartitionSet partitions) { return {.revoked = {}, .lost = {}, .assigned = std::move(partitions)}; }
inline Change gives_up(PartitionSet partitions) { return {.revoked = std::move(partitions), .lost = {}, .assigned = {}}; }
inline Change loses(PartitionSet partitions) { return {.revoked = {}, .lost = std::move(partitions), .assigned = {}}; }

/// A member at a moment that moves only when it is told to. What is asked is taken apart by the kind that the test expects.
class ClassicMemberRig : public testing::Test {
 protected:
  explicit ClassicMemberRig(std::vector<Assignor> assignors) : member(settings(std::move(assignors))) {}

  static MemberSettings settings(std::vector<Assignor> assignors) {
    MemberSettings made;
    made.group = "g";
    made.topics = {"t"};
    made.assignors = std::move(assignors);
    made.heartbeat_interval = 3s;
    made.max_poll_interval = 300s;
    return made;
  }

  template <class T>
  T asked() {
    const std::optional<Call> call = member.next(now);
    const T* expected = call ? std::get_if<T>(&*call) : nullptr;
    EXPECT_NE(expected, nullptr) << (call ? "another kind of call" : "no call");
    return expected == nullptr ? T{} : *expected;
  }
  void expect_silence() { EXPECT_FALSE(member.next(now).has_value()); }

  void answer(CallAnswer answer) { member.on_answer(std::move(answer), now); }
  static JoinAnswer joined(std::string leader, std::vector<Candidate> members = {}) {
    return {.code = ErrorCode::none,
            .generation = 4,
            .protocol = "range",
            .leader = std::move(leader),
            .member_id = "me",
            .skips_assignment = false,
            .members = std::move(members)};
  }
  static JoinAnswer refused(ErrorCode code, std::string id = {}) {
    JoinAnswer made;
    made.code = code;
    made.member_id = std::move(id);
    return made;
  }
  static Candidate candidate(std::string id) {
    return {.id = std::move(id), .instance_id = {}, .subscription = {.topics = {"t"}, .owned = {}}};
  }

  void join(const PartitionSet& assigned) {
    member.on_poll(now);
    asked<JoinCall>();
    answer(joined("another"));
    asked<SyncCall>();
    answer(SyncAnswer{.code = ErrorCode::none, .assigned = {assigned.begin(), assigned.end()}});
  }
  void read(const PartitionSet& assigned) {
    join(assigned);
    member.on_change_done(gains(assigned));
  }
  void beat(ErrorCode code) {
    now += 3s;
    asked<HeartbeatCall>();
    answer(HeartbeatAnswer{.code = code});
  }

  ClassicMember member;
  Moment now{100h};
};

}  // namespace tidelog::core
