#pragma once

#include "proto/base/check.h"

#include <cstdint>
#include <string_view>

namespace tidelog::sim {

/// Scrambles 64 bits so that neighbouring inputs give unrelated outputs.
constexpr std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// FNV-1a, continued from `hash`.
constexpr std::uint64_t fnv(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325ULL) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

/// Random numbers of one purpose. Draw n of a stream depends on the seed, the stream's name and n alone, so that drawing more or fewer
/// numbers for one fault leaves every other fault of the run where it was.
class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view stream) : key_(mix(seed ^ mix(fnv(stream)))) {}

  /// A stream below this one. Does not draw from this one.
  [[nodiscard]] Dice split(std::string_view stream) const { return Dice(key_, stream); }
  [[nodiscard]] Dice split(std::uint64_t number) const { return Dice(mix(key_ + number), "number"); }

  std::uint64_t next() { return mix(key_ + 0x9e3779b97f4a7c15ULL * ++drawn_); }
  /// From 0 to n - 1.
  std::uint64_t below(std::uint64_t n) {
    CHECK(n > 0);
    return next() % n;
  }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
  /// True `per_mille` times in a thousand. Always draws.
  bool chance(std::uint64_t per_mille) { return next() % 1000 < per_mille; }

 private:
  std::uint64_t key_;
  std::uint64_t drawn_ = 0;
};

}  // namespace tidelog::sim
