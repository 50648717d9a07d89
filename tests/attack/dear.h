#pragma once

#include "tests/attack/sieges.h"

#include <vector>

namespace tidelog::attack {

// Sieges by requests that are valid and dear: whoever may ask at all may ask them, and each makes the broker do far more than it cost to
// send. Their networks are 127.20.x.1 to 127.39.x.1.

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
