#pragma once

#include "proto/error_code.h"
#include "tests/attack/sieges.h"

#include <cstdint>
#include <set>
#include <vector>

namespace tidelog::attack {

// Sieges by requests that are valid and dear: whoever may ask at all may ask them, and each makes the broker do far more than it cost to
// send. Their networks are 127.20.x.1 to 127.39.x.1.

/// What newcomers are told while groups have all the memory they may have (`group.memory.bytes`), which is what these crowds are after: the
/// limit is to bite, and everybody else to be served.
inline const std::set<std::int16_t> kGroupsAreFull{static_cast<std::int16_t>(ErrorCode::group_max_size_reached),
                                                   static_cast<std::int16_t>(ErrorCode::invalid_commit_offset_size)};

/// Lookups by time among batches that have to be opened for nothing.
std::vector<Siege> time_sieges(const Battlefield& field, Tally& tally);
/// Members of groups: those that come, vanish and subscribe to what is dear to work out.
std::vector<Siege> member_sieges(const Battlefield& field, Tally& tally);
/// Committed offsets, and very many groups.
std::vector<Siege> commit_sieges(const Battlefield& field, Tally& tally);
/// What administrators ask for: topics, configs and descriptions of everything.
std::vector<Siege> admin_sieges(const Battlefield& field, Tally& tally);
/// Producer ids that are used once.
std::vector<Siege> producer_sieges(const Battlefield& field, Tally& tally);

}  // namespace tidelog::attack
