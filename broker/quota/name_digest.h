#pragma once

#include "proto/base/sip_hash.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tidelog::broker {

/// Stands for a name of any length in a table that everybody can make grow: 16 bytes, whatever the client called itself.
using NameDigest = std::array<std::uint64_t, 2>;

/// Random, and nobody outside knows it: else names could be chosen that have one digest, or fall into one place of a table.
using DigestKey = HashSecret;

/// Two names with the same one are not to be expected, and cannot be found without the key.
[[nodiscard]] inline NameDigest digest_of(std::string_view name, const DigestKey& key) {
  const Hash128 hash = sip_hash(key, std::as_bytes(std::span(name)));
  return {hash.low, hash.high};
}

/// For tables of names. A part of the digest is as good a hash as any.
struct NameDigestHash {
  std::size_t operator()(const NameDigest& digest) const noexcept { return digest[0]; }
};

}  // namespace tidelog::broker
