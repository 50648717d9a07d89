#include "tests/sim/world.h"

#include <algorithm>
#include <tuple>

namespace tidelog::sim {
namespace {

/// Not 0: a deadline that was never set must not look like one in the future.
constexpr SteadyTime kStart = std::chrono::seconds(1000);

}  // namespace

thread_local World* World::running_ = nullptr;

World::World(std::uint64_t seed) : seed_(seed), ties_(seed, "ties"), now_(kStart), trace_hash_(mix(seed)) {}

World::~World() {
  // Jobs may own streams whose destructors schedule: those find a consistent queue, and are dropped in turn.
  while (!queue_.empty()) {
    const std::vector<Event> dropped = std::exchange(queue_, {});
  }
}

bool World::later(const Event& a, const Event& b) { return std::tie(a.at, a.tie, a.number) > std::tie(b.at, b.tie, b.number); }

void World::schedule(SteadyTime at, Fact fact, Job job) {
  queue_.push_back({.at = std::max(at, now_), .tie = ties_.next(), .number = scheduled_++, .fact = fact, .job = std::move(job)});
  std::push_heap(queue_.begin(), queue_.end(), later);
}

void World::forget(ProcessId process) {
  std::vector<Event> dropped;
  const auto theirs = std::partition(queue_.begin(), queue_.end(), [&](const Event& event) { return event.fact.process != process; });
  std::move(theirs, queue_.end(), std::back_inserter(dropped));
  queue_.erase(theirs, queue_.end());
  std::make_heap(queue_.begin(), queue_.end(), later);
}  // `dropped` dies here, with the queue whole again.

void World::note(Fact fact) {
  trace_hash_ = mix(trace_hash_ ^ mix(static_cast<std::uint64_t>(now_.count())) ^ (fact.detail + (std::uint64_t{fact.process} << 40)) ^
                    (static_cast<std::uint64_t>(fact.kind) << 56));
}

bool World::step() {
  if (queue_.empty()) return false;
  std::pop_heap(queue_.begin(), queue_.end(), later);
  Event event = std::move(queue_.back());
  queue_.pop_back();
  now_ = event.at;
  ++steps_;
  charged_ = {};
  note(event.fact);
  World* const outer = std::exchange(running_, this);
  try {
    event.job();
  } catch (const CheckFailed&) {
    // Whoever was told ends the process before the next event.
  }
  running_ = outer;
  return true;
}

bool World::run_until(const std::function<bool()>& done, SteadyTime limit) {
  const std::uint64_t last = steps_ + kMaxSteps;
  while (!done()) {
    if (queue_.empty() || queue_.front().at > limit) {
      now_ = std::max(now_, limit);
      return done();
    }
    if (steps_ >= last) {
      ran_away_ = true;
      return false;
    }
    step();
  }
  return true;
}

void World::run_for(SteadyTime duration) {
  run_until([] { return false; }, now_ + duration);
}

}  // namespace tidelog::sim
