#pragma once

#include "broker/env/env.h"
#include "tests/sim/dice.h"

#include <boost/asio/execution_context.hpp>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tidelog::sim {

using broker::Job;
using broker::SteadyTime;
namespace asio = boost::asio;

/// Who an event dies with. 0 is the world itself: it never crashes.
using ProcessId = std::uint32_t;

/// Thrown where a CHECK fails inside a world: the process dies there, and with it the event that was running.
struct CheckFailed {};

enum class EventKind : std::uint8_t { turn, alarm, timer, network, blocking_job, blocking_done, fault };

/// A fact of the trace: two runs of a seed are the same run if they tell the same facts in the same order.
struct Fact {
  EventKind kind;
  ProcessId process;
  std::uint64_t detail;
};

/// Virtual time and everything that is going to happen in it. One thread; nothing in it reads a real clock.
/// Life: outlives every loop, disk, network and process made on it.
/// Invariant: events run in order of time; those of equal time in an order that the seed alone decides.
class World {
 public:
  explicit World(std::uint64_t seed);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] SteadyTime now() const { return now_; }
  [[nodiscard]] Dice dice(std::string_view stream) const { return Dice(seed_, stream); }
  /// What Asio wants an executor to know. It holds no services that start threads as long as nobody uses Asio's own timers or sockets.
  [[nodiscard]] asio::execution_context& context() { return context_; }

  ProcessId new_process() { return next_process_++; }
  void schedule(SteadyTime at, Fact fact, Job job);
  void schedule_in(SteadyTime delay, Fact fact, Job job) { schedule(now_ + delay, fact, std::move(job)); }
  /// Destroys, without running, every event of `process`. Nothing of it may be scheduled afterwards.
  void forget(ProcessId process);

  /// Runs the next event. False: there is none.
  bool step();
  /// Runs events until `done` holds, `limit` is reached, or the steps are used up. True: `done` holds.
  bool run_until(const std::function<bool()>& done, SteadyTime limit);
  void run_for(SteadyTime duration);

  /// More steps than this in one `run_until` is a loop that never rests; it ends the run.
  static constexpr std::uint64_t kMaxSteps = 5'000'000;
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] bool ran_away() const { return ran_away_; }

  /// Work of the running event that takes virtual time, a disk access for example. Whoever ran the event asks for the sum.
  void charge(SteadyTime cost) { charged_ += cost; }
  SteadyTime take_charge() { return std::exchange(charged_, SteadyTime{}); }

  /// Adds a fact to the trace besides the events themselves.
  void note(Fact fact);
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_hash_; }

  /// Something a set of seeds has to reach at least once, or the set proves nothing about it.
  void mark(std::string_view what) { ++marks_[std::string(what)]; }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& marks() const { return marks_; }

  /// The world whose event is running now; null outside.
  static World* running() { return running_; }
  /// Told of a CHECK that failed in an event. Nothing the process does from then on may have an effect.
  std::function<void(const std::string& what)> on_check_failed;

  /// Called with one line per thing worth reading in a replay; null: nobody reads.
  std::function<void(const std::string&)> log;
  void say(const std::function<std::string()>& line) const {
    if (log) log(line());
  }

 private:
  struct Event {
    SteadyTime at;
    std::uint64_t tie;
    std::uint64_t number;
    Fact fact;
    Job job;
  };
  static bool later(const Event& a, const Event& b);

  static thread_local World* running_;

  std::uint64_t seed_;
  Dice ties_;
  SteadyTime now_;
  std::vector<Event> queue_;  ///< A heap, the next event first.
  std::uint64_t scheduled_ = 0;
  std::uint64_t steps_ = 0;
  bool ran_away_ = false;
  SteadyTime charged_{};
  std::uint64_t trace_hash_;
  ProcessId next_process_ = 1;
  std::map<std::string, std::uint64_t> marks_;
  asio::execution_context context_;
};

}  // namespace tidelog::sim
