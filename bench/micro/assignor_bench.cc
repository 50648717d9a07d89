#include "broker/group/assignor.h"
#include "broker/group/range_assignor.h"
#include "broker/group/uniform_assignor.h"

#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <vector>

// How long a coordinator decides: nothing else of its shard moves meanwhile. Arguments: members, partitions (of 100 topics).

namespace tidelog::broker {
namespace {

constexpr std::uint32_t kTopics = 100;

struct Group {
  explicit Group(const benchmark::State& state) {
    const auto members = static_cast<std::size_t>(state.range(0));
    const auto partitions = static_cast<Slot>(state.range(1)) / kTopics;
    for (std::uint32_t topic = 0; topic < kTopics; ++topic) problem.first_slot.push_back(problem.first_slot.back() + partitions);
    for (std::size_t member = 0; member < members; ++member) ids.push_back("member-" + std::to_string(100'000 + member));
    for (std::size_t member = 0; member < members; ++member) {
      problem.members.push_back({.subscription = 0, .id = ids[member], .instance_id = {}, .owned = {}});
    }
  }
  /// Everybody subscribes to everything.
  void alike() {
    problem.subscriptions.emplace_back(kTopics);
    std::iota(problem.subscriptions.back().begin(), problem.subscriptions.back().end(), 0);
  }
  /// Everybody subscribes to every other topic or so, no two to the same.
  void differently() {
    std::uint32_t seed = 1;
    for (std::size_t member = 0; member < problem.members.size(); ++member) {
      problem.members[member].subscription = member;
      std::vector<std::uint32_t>& topics = problem.subscriptions.emplace_back();
      for (std::uint32_t topic = 0; topic < kTopics; ++topic) {
        seed = seed * 1664525U + 1013904223U;
        if (seed >> 31U) topics.push_back(topic);
      }
    }
  }
  /// What they have came of an assignment; then the last tenth of them left, and as many are new.
  void rolls() {
    const SlotLists lists = assign_uniform(problem);
    const std::size_t stay = lists.size() - lists.size() / 10;
    for (std::size_t member = 0; member < stay; ++member) problem.members[member].owned = lists[member];
  }

  AssignmentProblem problem;
  std::vector<std::string> ids;
};

void uniform_from_nothing(benchmark::State& state) {
  Group group(state);
  group.alike();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(assign_uniform(group.problem));
}
void uniform_when_a_tenth_changed(benchmark::State& state) {
  Group group(state);
  group.alike();
  group.rolls();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(assign_uniform(group.problem));
}
void uniform_different_from_nothing(benchmark::State& state) {
  Group group(state);
  group.differently();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(assign_uniform(group.problem));
}
void uniform_different_when_a_tenth_changed(benchmark::State& state) {
  Group group(state);
  group.differently();
  group.rolls();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(assign_uniform(group.problem));
}
void range(benchmark::State& state) {
  Group group(state);
  group.alike();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(assign_range(group.problem));
}

#define SIZES Args({10, 1000})->Args({100, 1000})->Args({1000, 10'000})->Unit(benchmark::kMicrosecond)
BENCHMARK(uniform_from_nothing)->SIZES;
BENCHMARK(uniform_when_a_tenth_changed)->SIZES;
BENCHMARK(uniform_different_from_nothing)->SIZES;
BENCHMARK(uniform_different_when_a_tenth_changed)->SIZES;
BENCHMARK(range)->SIZES;

}  // namespace
}  // namespace tidelog::broker
