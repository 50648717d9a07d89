#pragma once

#include "proto/base/types.h"

#include <array>
#include <cstdint>

namespace tidelog::storage {

/// 128 bits that stand for a key.
struct KeyHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const KeyHash&) const = default;
};

/// What keeps a producer from choosing keys that hash alike: random, another one for each cleaning.
using HashSecret = std::array<std::uint64_t, 2>;

/// SipHash-2-4 with 128 bits of result: a pseudorandom function, so that without the secret nobody finds keys that collide more often
/// than chance has it.
KeyHash hash_key(const HashSecret& secret, Bytes key);

}  // namespace tidelog::storage
