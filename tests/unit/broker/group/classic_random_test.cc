#include "tests/unit/broker/group/classic_model.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace tidelog::broker {
namespace {

// A failure prints its seed: TIDELOG_SEED=N runs that one alone.
TEST(ClassicGroupRandom, KeepsItsPromisesToClientsThatFail) {
  const char* const only = std::getenv("TIDELOG_SEED");
  const std::uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const std::uint64_t last = only == nullptr ? 2000 : first;
  ClassicModel::Seen seen;

  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    ClassicModel model(seed);
    model.run();
    for (const std::string& problem : model.problems()) ADD_FAILURE() << problem;
    seen.generations += model.seen().generations;
    seen.commits += model.seen().commits;
    seen.refused_commits += model.seen().refused_commits;
    seen.takeovers += model.seen().takeovers;
    seen.restarts += model.seen().restarts;
    seen.refusals += model.seen().refusals;
  }

  if (only != nullptr) return;
  EXPECT_GT(seen.generations, last * 3);
  EXPECT_GT(seen.commits, last * 10);
  EXPECT_GT(seen.refused_commits, last);
  EXPECT_GT(seen.takeovers, last / 10);
  EXPECT_GT(seen.restarts, last / 10);
  EXPECT_GT(seen.refusals, last);
}

}  // namespace
}  // namespace tidelog::broker
