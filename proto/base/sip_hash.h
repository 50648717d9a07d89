#pragma once

#include "proto/base/types.h"

#include <array>
#include <cstdint>

namespace tidelog {

/// 128 bits that stand for bytes of any length.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};

/// What keeps others from choosing bytes that hash alike: random, and nobody outside the process knows it.
using HashSecret = std::array<std::uint64_t, 2>;

/// SipHash-2-4 with 128 bits of result: a pseudorandom function, so that two values with one hash are not to be expected, and cannot be
/// found without the secret. For hash tables that compare what they find, `KeyedHash` is faster.
Hash128 sip_hash(const HashSecret& secret, Bytes bytes);

}  // namespace tidelog
