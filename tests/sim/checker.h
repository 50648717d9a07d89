#pragma once

#include "tests/sim/history.h"

namespace tidelog::sim {

/// What a partition holds in the end: value by offset.
using FinalLog = std::map<std::int64_t, std::string>;

/// Holds what clients were told against what is there after everything healed and restarted. One sentence per broken promise:
/// every record acknowledged with acks=all is at its offset, once; nothing of an idempotent producer is there twice, out of order or with a
/// gap; nothing that was read has changed; nothing refused and nothing unsent is there; offsets are contiguous.
std::vector<std::string> check(const History& history, const std::map<int, FinalLog>& logs);

}  // namespace tidelog::sim
