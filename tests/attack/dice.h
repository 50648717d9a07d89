#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace tidelog::attack {

/// Random choices of one thread, from a seed that is printed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return limit < 2 ? 0 : engine_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(std::span<const T> from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace tidelog::attack
