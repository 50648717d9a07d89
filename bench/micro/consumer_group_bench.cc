#include "broker/group/classic_calls.h"
#include "broker/group/consumer_group.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

// What heartbeats cost. Arguments: members, partitions (of one topic).

namespace tidelog::broker {
namespace {

class NoLog final : public RecordLog {
 public:
  Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    benchmark::DoNotOptimize(records.data());
    return {};
  }
};

class OneTopic final : public TopicsView {
 public:
  explicit OneTopic(std::int32_t partitions) { facts_.partitions = partitions; }
  [[nodiscard]] std::optional<TopicFacts> find(std::string_view name) const override {
    return name == facts_.name ? std::optional(facts_) : std::nullopt;
  }
  [[nodiscard]] std::optional<TopicFacts> find(const Uuid& id) const override {
    return id == facts_.id ? std::optional(facts_) : std::nullopt;
  }
  [[nodiscard]] std::vector<TopicFacts> all() const override { return {facts_}; }
  [[nodiscard]] std::uint64_t version() const override { return static_cast<std::uint64_t>(facts_.partitions); }
  void grow() { ++facts_.partitions; }

 private:
  TopicFacts facts_{.id = Uuid{{std::byte{1}}}, .name = "t", .partitions = 0};
};

/// A group whose members all have what they shall have.
struct Settled {
  explicit Settled(const benchmark::State& state) : topics(static_cast<std::int32_t>(state.range(1))) {
    for (std::int64_t member = 0; member < state.range(0); ++member) beats.push_back(joining("member-" + std::to_string(100'000 + member)));
    for (ConsumerHeartbeatCall& beat : beats) {
      step.wall_clock = {1};  // One target for all of them.
      group.heartbeat(beat, step);
    }
    step.wall_clock = {1 + 1000};
    for (bool is_stable = false; !is_stable; is_stable = group.state() == "Stable") {
      for (ConsumerHeartbeatCall& beat : beats) settle(beat);
    }
  }
  static ConsumerHeartbeatCall joining(const std::string& id) {
    return {.group = "g",
            .member_id = id,
            .fresh_member_id = {},
            .member_epoch = 0,
            .client_id = "c",
            .client_host = "/h",
            .rebalance_timeout_ms = 60'000,
            .subscribed_names = std::vector<std::string>{"t"},
            .owned = PartitionsById{}};
  }
  void settle(ConsumerHeartbeatCall& beat) {
    const ConsumerHeartbeatAnswer answer = group.heartbeat(beat, step);
    beat.member_epoch = answer.member_epoch;
    if (answer.assignment) beat.owned = answer.assignment;
    beat.rebalance_timeout_ms = -1;
    beat.subscribed_names.reset();
  }

  NoLog log;
  GroupSettings settings{.consumer_assignment_interval = std::chrono::milliseconds(1000)};
  OneTopic topics;
  std::vector<LateAnswer> late;
  ConsumerGroup group{"g"};
  std::vector<ConsumerHeartbeatCall> beats;
  Step step{.log = log, .settings = settings, .topics = topics, .now = {}, .wall_clock = {1}, .late = late};
};

void heartbeat_without_news(benchmark::State& state) {
  Settled settled(state);
  std::size_t at = 0;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(settled.group.heartbeat(settled.beats[at], settled.step));
    at = (at + 1) % settled.beats.size();
  }
}
/// The topic grows by one: the first heartbeat after that makes the target.
void heartbeat_that_makes_the_target(benchmark::State& state) {
  Settled settled(state);
  for ([[maybe_unused]] auto _ : state) {
    settled.topics.grow();
    settled.step.wall_clock.value += 1000;
    settled.settle(settled.beats.front());
  }
}
/// Each member goes on to a new epoch without a change of what it has.
void heartbeat_that_goes_to_the_next_epoch(benchmark::State& state) {
  Settled settled(state);
  std::size_t at = 0;
  for ([[maybe_unused]] auto _ : state) {
    if (at == 0) {
      state.PauseTiming();
      settled.topics.grow();
      settled.step.wall_clock.value += 1000;
      settled.settle(settled.beats.front());
      state.ResumeTiming();
    }
    settled.settle(settled.beats[at]);
    at = (at + 1) % settled.beats.size();
  }
}

#define SIZES Args({10, 900})->Args({1000, 900})->Args({1000, 10'000})->Unit(benchmark::kMicrosecond)
BENCHMARK(heartbeat_without_news)->SIZES;
BENCHMARK(heartbeat_that_makes_the_target)->SIZES;
BENCHMARK(heartbeat_that_goes_to_the_next_epoch)->SIZES;

}  // namespace
}  // namespace tidelog::broker
