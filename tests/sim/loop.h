#pragma once

#include "tests/sim/world.h"

#include <deque>

namespace tidelog::sim {

/// How a wall clock differs from the world's time.
struct ClockSkew {
  std::chrono::milliseconds offset{1'700'000'000'000};
  std::int64_t drift_ppm = 0;
};

/// One shard's event loop on virtual time: a queue of ready jobs, of which one runs per world event.
/// Life: a loop is killed before what runs on it is destroyed. From then on it refuses work: whatever is posted is destroyed on the spot,
/// unrun, since Asio unwinds a suspended coroutine by posting its frame to the executor.
/// Invariant: ready jobs run in the order they came, whoever sent them.
class SimLoop final : public broker::Loop {
 public:
  SimLoop(World& world, ProcessId process, ClockSkew skew, Dice dice);
  ~SimLoop() override;

  asio::any_io_executor executor() override;
  void post(Job job) override;
  void defer(Job job) override;
  SteadyTime now() const override { return world_.now(); }
  TimestampMs wall_clock() const override;
  void set_alarm(SteadyTime when) override;
  void on_alarm(Job handler) override { alarm_handler_ = std::move(handler); }

  /// Runs `job` on this loop at `when`. For the simulator's own actors, which need more than one alarm.
  void call_at(SteadyTime when, Job job);
  asio::awaitable<void> sleep(SteadyTime duration);

  /// Takes no more work.
  void refuse() { dead_ = true; }
  /// Takes no more work, and destroys what was ready.
  void kill();
  [[nodiscard]] bool is_dead() const { return dead_; }
  [[nodiscard]] World& world() const { return world_; }
  [[nodiscard]] ProcessId process() const { return process_; }

 private:
  void schedule_turn(SteadyTime at);
  void turn();
  [[nodiscard]] bool deferred_is_due() const;

  World& world_;
  ProcessId process_;
  ClockSkew skew_;
  Dice dice_;
  bool lazy_defer_;  ///< Deferred jobs wait until nothing is ready at all, not only what was ready when they came.
  SteadyTime job_cost_;
  std::deque<Job> ready_;
  std::deque<Job> deferred_;
  std::uint64_t ran_since_defer_ = 0;
  Job alarm_handler_;
  std::uint64_t alarm_ = 0;  ///< Counts calls of `set_alarm`, so that a replaced one is known when it comes.
  SteadyTime busy_until_{};
  bool turn_scheduled_ = false;
  bool running_ = false;
  bool dead_ = false;
};

/// What Asio needs of an executor; jobs become events of the loop's world.
class LoopExecutor {
 public:
  explicit LoopExecutor(SimLoop& loop) : loop_(&loop) {}

  template <class F>
  void execute(F&& f) const {
    loop_->post(Job(std::forward<F>(f)));
  }
  asio::execution_context& query(asio::execution::context_t) const noexcept { return loop_->world().context(); }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept { return asio::execution::blocking.never; }
  LoopExecutor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
  bool operator==(const LoopExecutor&) const noexcept = default;

 private:
  SimLoop* loop_;
};

}  // namespace tidelog::sim
