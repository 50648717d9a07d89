#pragma once

#include "proto/base/types.h"
#include <tidelog/group.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::core {

/// What members of a classic group tell each other through the coordinator, which does not look at it. Hence these bytes are as hostile as
/// any; nothing here fails loudly, a blob that cannot be read is empty.

/// What a member wants, and has.
struct Subscription {
  std::vector<std::string> topics;
  std::vector<topic_partition> owned;
  std::int32_t generation = -1;  ///< In which it was given what it owns; -1: not known.
  std::string rack = {};         ///< Where it runs; empty: it does not say.
  bool operator==(const Subscription&) const = default;
};

/// `repeats_generation`: in the user data, too, where cooperative-sticky has it for leaders that know no version with a generation.
std::vector<std::byte> write_subscription(const Subscription& subscription, bool repeats_generation = false);
/// A version that is not known yet begins like the last one that is. The generation is read from the user data where the version has none.
Subscription read_subscription(Bytes blob);

std::vector<std::byte> write_assignment(const std::vector<topic_partition>& partitions);
/// In the order written.
std::vector<topic_partition> read_assignment(Bytes blob);

}  // namespace tidelog::core
