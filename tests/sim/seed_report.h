#pragma once

#include "tests/sim/scenario.h"

#include <cstdint>
#include <cstdlib>
#include <string>

// What tests that run many seeds have in common.

namespace tidelog::sim {

/// What a variable of the environment says, for people who run a test by hand.
inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// A seed that broke promises: which, and how it is run again. `flags` are further settings of the environment.
inline std::string explain(std::uint64_t seed, const RunResult& result, const std::string& suite, const std::string& flags = {}) {
  constexpr std::size_t kMostTold = 5;
  const std::string number = std::to_string(seed);
  std::string text = "seed=" + number + "   again: TIDELOG_SIM_SEED=" + number + flags + " sim_tests --gtest_filter=" + suite + ".One\n";
  for (std::size_t i = 0; i < result.violations.size() && i < kMostTold; ++i) text += "  " + result.violations[i] + "\n";
  if (result.violations.size() > kMostTold) text += "  and " + std::to_string(result.violations.size() - kMostTold) + " more\n";
  return text;
}

}  // namespace tidelog::sim
