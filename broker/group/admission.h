#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/consumer_calls.h"
#include "broker/group/group_entry.h"
#include "broker/group/offset_calls.h"
#include "broker/group/ports.h"

namespace tidelog::broker {

// Whether there is room for what a call would have kept (memory.h). `entry` is its group, null if there is none. Each takes the room that
// it admits.

/// A newcomer, or a member that says more of itself than before.
bool has_room(const GroupEntry* entry, const JoinCall& call, const Step& step);
bool has_room(const GroupEntry* entry, const ConsumerHeartbeatCall& call, const Step& step);
/// One offset.
bool has_room(const GroupEntry* entry, const OffsetTable::Key& key, const OffsetRecord::Value& value, const Step& step);

}  // namespace tidelog::broker
