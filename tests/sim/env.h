#pragma once

#include "tests/sim/disk.h"
#include "tests/sim/network.h"
#include "tests/sim/views.h"

namespace tidelog::sim {

/// How long blocking work takes to begin and to be reported. Wide, so that a crash often falls before, or between work and report.
struct BlockingDelays {
  std::uint64_t most_start_ns = 2'000'000;
  std::uint64_t most_report_ns = 2'000'000;
};

/// Runs each job as one event some time later, and reports it some time after that. Jobs overtake each other.
class SimBlocking final : public broker::BlockingPool {
 public:
  SimBlocking(World& world, ProcessId process, Dice dice) : world_(world), process_(process), dice_(dice) {}
  void run(Job job, broker::Loop& back, Job done) override;
  void kill() { dead_ = true; }

  BlockingDelays delays;

 private:
  World& world_;
  ProcessId process_;
  Dice dice_;
  bool dead_ = false;
};

class SimRandom final : public broker::Random {
 public:
  explicit SimRandom(Dice dice) : dice_(dice) {}
  void fill(MutableBytes into) override {
    for (std::byte& byte : into) byte = static_cast<std::byte>(dice_.next() >> 32);
  }

 private:
  Dice dice_;
};

/// One process's world, from its start to its end.
/// Crash, in this order: `kill` stops the loops from taking work, then destroys every job and every suspended coroutine that a loop, the
/// network or the blocking pool holds, none of which runs again; then the owner destroys the process's objects, and what their destructors
/// post is destroyed on the spot; then this object goes. So a coroutine's locals, which may be entries of lists in longer-lived objects,
/// die before those. A coroutine that waits on something in its own frame is reached by nobody and stays in memory: it never runs again,
/// and its files and links hold nothing any more.
class SimEnv final : public broker::Env {
 public:
  struct Parts {
    World& world;
    SimNetwork& network;
    storage::FileSystem& files;
    SimViews* views = nullptr;  ///< Null: no views are kept.
  };
  /// `name` is part of every stream of random numbers: a restarted process needs a new one, or it draws the same ids again.
  SimEnv(Parts parts, std::string_view name, std::size_t shards, ClockSkew skew = {});
  ~SimEnv() override;

  storage::FileSystem& files() override { return parts_.files; }
  broker::Network& network() override { return parts_.network; }
  SimBlocking& blocking() override { return blocking_; }
  broker::Random& random() override { return random_; }
  std::span<const std::unique_ptr<broker::Loop>> loops() override { return loops_; }

  std::unique_ptr<storage::KeyValuePlace> view_place(const std::string& directory) override {
    return parts_.views == nullptr ? nullptr : parts_.views->place(directory);
  }

  [[nodiscard]] ProcessId process() const { return process_; }
  /// `silently`: the machine lost power, so nobody tells its peers.
  void kill(bool silently);

 private:
  Parts parts_;
  ProcessId process_;
  Dice dice_;
  SimBlocking blocking_;
  SimRandom random_;
  std::vector<std::unique_ptr<broker::Loop>> loops_;
  bool killed_ = false;
};

}  // namespace tidelog::sim
