#include "tests/sim/env.h"

namespace tidelog::sim {

void SimBlocking::run(Job job, broker::Loop& back, Job done) {
  if (dead_) return;
  const SteadyTime start{dice_.below(delays.most_start_ns + 1)};
  const SteadyTime report{dice_.below(delays.most_report_ns + 1)};
  auto work = [this, report, &back, work = std::move(job), tell = std::move(done)]() mutable {
    work();
    work = nullptr;
    const Fact fact{.kind = EventKind::blocking_done, .process = process_, .detail = 0};
    world_.schedule_in(world_.take_charge() + report, fact, [&back, told = std::move(tell)]() mutable { back.post(std::move(told)); });
  };
  world_.schedule_in(start, {.kind = EventKind::blocking_job, .process = process_, .detail = 0}, std::move(work));
}

SimEnv::SimEnv(Parts parts, std::string_view name, std::size_t shards, ClockSkew skew)
    : parts_(parts),
      process_(parts.world.new_process()),
      dice_(parts.world.dice(name)),
      blocking_(parts.world, process_, dice_.split("blocking")),
      random_(dice_.split("random")) {
  for (std::size_t i = 0; i < shards; ++i) {
    loops_.push_back(std::make_unique<SimLoop>(parts.world, process_, skew, dice_.split("loop").split(i)));
  }
}

SimEnv::~SimEnv() { kill(false); }

void SimEnv::kill(bool silently) {
  if (std::exchange(killed_, true)) return;
  blocking_.kill();
  // Every loop refuses work before the first coroutine dies: its end may post to any of them.
  for (const auto& loop : loops_) static_cast<SimLoop&>(*loop).refuse();
  for (const auto& loop : loops_) static_cast<SimLoop&>(*loop).kill();
  parts_.network.crash(process_, silently);
  parts_.world.forget(process_);
}

}  // namespace tidelog::sim
