#pragma once

#include "tests/unit/broker/group/compaction.h"
#include "tests/unit/broker/group/machine_world.h"

#include <map>
#include <optional>
#include <string>

namespace tidelog::broker {

/// A group machine with one group, "g", that clients of both protocols are in.
struct MixedWorld : MachineWorld {
  Ticket next_ticket = 1;
  std::map<std::string, std::int32_t> told;  ///< The generation that each classic member was told last, heard or not.
  std::map<std::string, std::int32_t>
      synced;  ///< The same of the last whose assignment it was told: what a cooperative one names as its own.

  ConsumerHeartbeatAnswer heartbeat(const ConsumerHeartbeatCall& call) { return beat(call); }
  ErrorCode heartbeat(const HeartbeatCall& call) {
    return ask([&](GroupMachine& group, Step& step) { return group.heartbeat(call, step); });
  }
  std::optional<JoinAnswer> join_group(const JoinCall& call) {
    std::optional<JoinAnswer> answer = ask([&](GroupMachine& group, Step& step) { return group.join(call, step); });
    if (answer) note(*answer);
    return answer;
  }
  std::optional<SyncAnswer> sync_group(const SyncCall& call) {
    std::optional<SyncAnswer> answer = ask([&](GroupMachine& group, Step& step) { return group.sync(call, step); });
    if (answer && answer->error == ErrorCode::none) synced[call.member_id] = call.generation;
    return answer;
  }
  void note(const JoinAnswer& answer) {
    if (answer.error == ErrorCode::none) told[answer.member_id] = answer.generation;
  }
  /// To `until`, with everything that becomes due on the way.
  void advance(Moment until) {
    for (std::optional<Moment> due = machine->wake_at(); due && *due <= until; due = machine->wake_at()) {
      now = std::max(now, *due);
      tick();
    }
    now = std::max(now, until);
  }
  void fail_over(std::size_t clean, bool drops_tombstones) {
    machine = replayed(compacted(log.records(), clean, drops_tombstones));
    told.clear();
    late.clear();
    Step one = step();
    machine->loaded(one);
  }
};

}  // namespace tidelog::broker
