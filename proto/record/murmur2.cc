#include "proto/record/murmur2.h"

#include <cstring>

namespace tidelog::proto {
namespace {

constexpr std::uint32_t kSeed = 0x9747b28c;
constexpr std::uint32_t kMultiplier = 0x5bd1e995;

std::uint32_t finish(std::uint32_t hash) {
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ (hash >> 15);
}

}  // namespace

std::uint32_t murmur2(Bytes key) {
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  while (key.size() >= sizeof(std::uint32_t)) {
    std::uint32_t word;
    std::memcpy(&word, key.data(), sizeof word);
    word *= kMultiplier;
    hash = (hash * kMultiplier) ^ ((word ^ (word >> 24)) * kMultiplier);
    key = key.subspan(sizeof word);
  }
  if (key.empty()) return finish(hash);
  for (std::size_t i = 0; i < key.size(); ++i) hash ^= static_cast<std::uint32_t>(key[i]) << (8 * i);
  return finish(hash * kMultiplier);
}

}  // namespace tidelog::proto
