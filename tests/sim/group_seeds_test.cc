#include "tests/sim/group_scenario.h"
#include "tests/sim/seed_report.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace tidelog::sim {
namespace {

std::string explain(std::uint64_t seed, const RunResult& result) { return sim::explain(seed, result, "GroupSeeds"); }

/// What a set of seeds must have met, or its silence means nothing.
constexpr std::array kMustHit{
    "unsynced data was dropped",
    "a write was torn",
    "a crash between two changes of the disk",
    "the broker gave up",
    "the disk was full",
    "a connection was reset",
    "a connection went silent",
    "a partition went to another member",
    "a member napped",
    "a member was not known any more",
    "a member that was overtaken commits",
    "a commit was refused",
    "a coordinator could not say",
    "a classic member was in a consumer group",
    "a view was found",
    "a view lost its end",
    "a view was thrown away",
};

TEST(GroupSeeds, KeepEveryPromise) {
  const std::uint64_t seeds = number_from("TIDELOG_SIM_GROUP_SEEDS", 400);
  const std::uint64_t first = number_from("TIDELOG_SIM_FIRST", 1);
  std::map<std::string, std::uint64_t> marks;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const RunResult result = run_groups(make_group_plan(seed), real_broker());
    for (const auto& [mark, count] : result.marks) marks[mark] += count;
    EXPECT_TRUE(result.violations.empty()) << explain(seed, result);
    failed += result.violations.empty() ? 0 : 1;
    if (seed % 20 == 0) {
      EXPECT_EQ(run_groups(make_group_plan(seed), real_broker()).trace_hash, result.trace_hash) << "two runs of seed=" << seed << " differ";
    }
    ASSERT_LT(failed, 20U) << "too many to go on";
  }
  for (const auto& [mark, count] : marks) std::printf("  %8llu  %s\n", static_cast<unsigned long long>(count), mark.c_str());
  if (seeds < 200) return;  // Fewer may miss a mark by chance.
  for (const char* mark : kMustHit) EXPECT_GT(marks[mark], 0U) << "never happened: " << mark;
}

/// One seed with its plan and everything that happened, for people.
TEST(GroupSeeds, One) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // Or a crash takes what led to it along.
  const std::uint64_t seed = number_from("TIDELOG_SIM_SEED", 1);
  const GroupPlan plan = make_group_plan(seed);
  std::function<void(const std::string&)> log;
  if (std::getenv("TIDELOG_SIM_SEED") != nullptr) {
    std::puts(to_text(plan).c_str());
    log = [](const std::string& line) { std::puts(line.c_str()); };
  }

  const RunResult result = run_groups(plan, real_broker(), log);

  EXPECT_TRUE(result.violations.empty()) << explain(seed, result);
}

// A disk that does not sync what a coordinator says is committed. As in Seeds, any broken promise counts of a seed that breaks none on a
// disk that syncs: what is lost may be told, and its partition not served.
TEST(GroupSeeds, CatchACoordinatorThatAnswersBeforeTheSync) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    GroupPlan plan = make_group_plan(seed);
    if (!run_groups(plan, real_broker()).violations.empty()) continue;
    plan.base.sync_lies = true;
    const RunResult result = run_groups(plan, real_broker());
    if (result.violations.empty()) continue;
    std::printf("caught by seed %llu: %s\n", static_cast<unsigned long long>(seed), result.violations.front().c_str());
    return;
  }
  FAIL() << "40 seeds did not notice that nothing was synced";
}

}  // namespace
}  // namespace tidelog::sim
