#include "tests/sim/loop.h"

#include "tests/sim/waiter.h"

#include <array>

namespace tidelog::sim {
namespace {

/// A loop that is never idle runs its deferred jobs after this many others all the same.
constexpr std::uint64_t kMostJobsBeforeDeferred = 64;
constexpr std::array<std::int64_t, 4> kJobCostsNs{0, 0, 500, 5'000};

}  // namespace

SimLoop::SimLoop(World& world, ProcessId process, ClockSkew skew, Dice dice)
    : world_(world),
      process_(process),
      skew_(skew),
      dice_(dice),
      lazy_defer_(dice_.chance(500)),
      job_cost_(kJobCostsNs[dice_.below(kJobCostsNs.size())]) {}

SimLoop::~SimLoop() { kill(); }

asio::any_io_executor SimLoop::executor() { return LoopExecutor(*this); }

void SimLoop::post(Job job) {
  if (dead_) return;
  ready_.push_back(std::move(job));
  if (!running_) schedule_turn(std::max(world_.now(), busy_until_));
}

void SimLoop::defer(Job job) {
  if (dead_) return;
  if (!lazy_defer_) return post(std::move(job));
  if (deferred_.empty()) ran_since_defer_ = 0;
  deferred_.push_back(std::move(job));
  if (!running_) schedule_turn(std::max(world_.now(), busy_until_));
}

void SimLoop::schedule_turn(SteadyTime at) {
  if (std::exchange(turn_scheduled_, true)) return;
  const Fact fact{.kind = EventKind::turn, .process = process_, .detail = ready_.size()};
  world_.schedule(at, fact, [this] { turn(); });
}

bool SimLoop::deferred_is_due() const { return !deferred_.empty() && (ready_.empty() || ran_since_defer_ >= kMostJobsBeforeDeferred); }

void SimLoop::turn() {
  turn_scheduled_ = false;
  const bool is_deferred = deferred_is_due();
  std::deque<Job>& from = is_deferred ? deferred_ : ready_;
  if (from.empty()) return;
  Job job = std::move(from.front());
  from.pop_front();
  if (!is_deferred) ++ran_since_defer_;
  running_ = true;
  job();
  job = nullptr;  // What it owned may post: still inside this turn.
  running_ = false;
  if (dead_) return;
  busy_until_ = world_.now() + job_cost_ + world_.take_charge();
  if (!ready_.empty() || !deferred_.empty()) schedule_turn(busy_until_);
}

TimestampMs SimLoop::wall_clock() const {
  const std::int64_t passed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now()).count();
  return {skew_.offset.count() + passed_ms + passed_ms * skew_.drift_ppm / 1'000'000};
}

void SimLoop::set_alarm(SteadyTime when) {
  if (dead_) return;
  const std::uint64_t mine = ++alarm_;
  world_.schedule(when, {.kind = EventKind::alarm, .process = process_, .detail = 0}, [this, mine] {
    if (mine != alarm_) return;
    post([this, mine] {
      if (mine == alarm_ && alarm_handler_) alarm_handler_();
    });
  });
}

void SimLoop::call_at(SteadyTime when, Job job) {
  if (dead_) return;
  world_.schedule(when, {.kind = EventKind::timer, .process = process_, .detail = 0},
                  [this, run = std::move(job)]() mutable { post(std::move(run)); });
}

asio::awaitable<void> SimLoop::sleep(SteadyTime duration) {
  auto keep = [this, duration](Handler handler) {
    call_at(now() + duration, [woken = std::move(handler)]() mutable { std::move(woken)(); });
  };
  co_await suspend(std::move(keep));
}

void SimLoop::kill() {
  dead_ = true;
  // Frames die here, while what they refer to still stands; what their destructors post is refused.
  const std::deque<Job> ready = std::exchange(ready_, {});
  const std::deque<Job> deferred = std::exchange(deferred_, {});
  alarm_handler_ = nullptr;
}

}  // namespace tidelog::sim
