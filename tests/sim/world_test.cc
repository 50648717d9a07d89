#include "tests/sim/env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

struct Rig {
  explicit Rig(std::uint64_t seed, std::size_t loops = 2)
      : world(seed), network(world, world.dice("network")), disk(world, world.dice("disk")), env({world, network, disk}, "node", loops) {}
  SimLoop& loop(std::size_t i) { return static_cast<SimLoop&>(*env.loops()[i]); }

  World world;
  SimNetwork network;
  SimDisk disk;
  SimEnv env;
};

asio::awaitable<void> wander(SimLoop& loop, std::string name, std::string& trace) {
  for (int i = 0; i < 5; ++i) {
    trace += name + std::to_string(i) + " ";
    co_await loop.sleep(1ms);
  }
}

std::pair<std::string, std::uint64_t> wander_by(std::uint64_t seed) {
  std::string trace;
  Rig rig(seed);
  for (const char* name : {"a", "b", "c"}) asio::co_spawn(rig.loop(0).executor(), wander(rig.loop(0), name, trace), asio::detached);
  for (const char* name : {"x", "y"}) asio::co_spawn(rig.loop(1).executor(), wander(rig.loop(1), name, trace), asio::detached);
  rig.world.run_for(1s);
  return {trace, rig.world.trace_hash()};
}

TEST(Dice, OneStreamDoesNotMoveAnother) {
  Dice quiet = Dice(7, "network");
  Dice busy = Dice(7, "disk");
  const std::uint64_t expected = Dice(7, "network").next();

  for (int i = 0; i < 100; ++i) busy.next();

  EXPECT_EQ(quiet.next(), expected);
  EXPECT_NE(Dice(7, "disk").next(), expected);
}

TEST(World, OneSeedIsOneRun) {
  const auto first = wander_by(11);
  const auto again = wander_by(11);

  EXPECT_EQ(first, again);
}

TEST(World, SeedsOrderEventsOfOneTimeDifferently) {
  std::set<std::string> traces;
  for (std::uint64_t seed = 0; seed < 20; ++seed) traces.insert(wander_by(seed).first);

  EXPECT_GT(traces.size(), 5U);
}

TEST(World, StopsALoopThatNeverRests) {
  Rig rig(1, 1);
  std::function<void()> again = [&] { rig.loop(0).post(again); };
  rig.loop(0).post(again);

  rig.world.run_until([] { return false; }, SteadyTime::max());

  EXPECT_TRUE(rig.world.ran_away());
}

TEST(SimLoop, RunsPostedJobsInTheirOrder) {
  Rig rig(3, 1);
  std::string order;
  for (char c = 'a'; c <= 'f'; ++c) rig.loop(0).post([&order, c] { order += c; });

  rig.world.run_for(1ms);

  EXPECT_EQ(order, "abcdef");
}

std::string order_with_a_deferred_task(std::uint64_t seed) {
  Rig rig(seed, 1);
  std::string order;
  rig.loop(0).post([&] {
    order += 'a';
    rig.loop(0).defer([&] { order += 'd'; });
  });
  rig.loop(0).post([&] { order += 'b'; });
  rig.loop(0).post([&] { order += 'c'; });
  rig.world.run_for(1ms);
  return order;
}

TEST(SimLoop, DefersBehindWhatIsReady) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) EXPECT_EQ(order_with_a_deferred_task(seed), "abcd") << "seed=" << seed;
}

TEST(SimLoop, ALaterAlarmReplacesTheEarlier) {
  Rig rig(1, 1);
  std::vector<SteadyTime> rung;
  const SteadyTime start = rig.world.now();
  rig.loop(0).on_alarm([&] { rung.push_back(rig.world.now() - start); });
  rig.loop(0).set_alarm(start + 5ms);
  rig.loop(0).set_alarm(start + 9ms);

  rig.world.run_for(1s);

  EXPECT_EQ(rung, std::vector<SteadyTime>{9ms});
}

TEST(SimLoop, WallClockDriftsAsToldWhileTheSteadyOneDoesNot) {
  World world(1);
  SimLoop loop(world, world.new_process(), {.offset = 50ms, .drift_ppm = 1000}, world.dice("loop"));
  const TimestampMs before = loop.wall_clock();

  world.run_for(1000s);

  EXPECT_EQ(loop.wall_clock() - before, 1'001'000);
}

struct Witness {
  explicit Witness(int& count) : destroyed(&count) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { ++*destroyed; }
  int* destroyed;
};

asio::awaitable<void> sleep_forever(SimLoop& loop, int& destroyed, bool& went_on) {
  const Witness witness(destroyed);
  co_await loop.sleep(24h);
  went_on = true;
}

TEST(SimEnv, ACrashDestroysCoroutinesWithoutRunningThem) {
  Rig rig(5);
  int destroyed = 0;
  bool went_on = false;
  asio::co_spawn(rig.loop(0).executor(), sleep_forever(rig.loop(0), destroyed, went_on), asio::detached);
  asio::co_spawn(rig.loop(1).executor(), sleep_forever(rig.loop(1), destroyed, went_on), asio::detached);
  rig.world.run_for(1s);

  rig.env.kill(false);
  rig.world.run_for(48h);

  EXPECT_EQ(destroyed, 2);
  EXPECT_FALSE(went_on);
}

TEST(SimEnv, ADeadLoopTakesNoWork) {
  Rig rig(5);
  rig.env.kill(false);
  int destroyed = 0;
  bool ran = false;

  rig.loop(0).post([held = std::make_unique<Witness>(destroyed), &ran] { ran = true; });
  rig.world.run_for(1s);

  EXPECT_EQ(destroyed, 1);
  EXPECT_FALSE(ran);
}

TEST(SimBlocking, ACrashFallsBeforeTheWorkAndBetweenWorkAndReport) {
  int before = 0, between = 0, after = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Rig rig(seed, 1);
    bool worked = false, reported = false;
    rig.env.blocking().run([&] { worked = true; }, rig.loop(0), [&] { reported = true; });
    rig.world.run_for(1ms);
    rig.env.kill(false);
    const bool worked_then = worked, reported_then = reported;
    rig.world.run_for(1s);
    EXPECT_EQ(worked, worked_then);
    EXPECT_EQ(reported, reported_then);
    EXPECT_FALSE(reported && !worked);
    ++(reported ? after : worked ? between : before);
  }
  EXPECT_GT(before, 10);
  EXPECT_GT(between, 10);
  EXPECT_GT(after, 5);
}

TEST(SimRandom, ARestartedProcessDrawsOtherBytes) {
  Rig rig(5);
  SimEnv again({rig.world, rig.network, rig.disk}, "node again", 1);
  std::array<std::byte, 16> first{}, second{};

  rig.env.random().fill(first);
  again.random().fill(second);

  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace tidelog::sim
