#include "broker/shard/timers.h"

#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

TEST(Timers, FiresAfterItsDeadlineAndNeverBefore) {
  ManualLoop loop;
  Timers timers(loop);
  int fired = 0;
  Timer timer([&] { ++fired; });

  timers.arm_in(timer, 100ms);
  loop.advance(100ms);
  const int at_deadline = fired;
  loop.advance(2 * Timers::kTick);

  EXPECT_EQ(at_deadline, 0);
  EXPECT_EQ(fired, 1);
}

TEST(Timers, KeepsADeadlineBeyondOneLapOfTheWheel) {
  ManualLoop loop;
  Timers timers(loop);
  int fired = 0;
  Timer timer([&] { ++fired; });

  timers.arm_in(timer, 60s);
  loop.advance(59s);
  const int before = fired;
  loop.advance(2s);

  EXPECT_EQ(before, 0);
  EXPECT_EQ(fired, 1);
}

TEST(Timers, ForgetsACancelledTimer) {
  ManualLoop loop;
  Timers timers(loop);
  int fired = 0;
  Timer cancelled([&] { ++fired; });
  auto destroyed = std::make_unique<Timer>([&] { ++fired; });

  timers.arm_in(cancelled, 10ms);
  timers.arm_in(*destroyed, 10ms);
  cancelled.cancel();
  destroyed.reset();
  loop.advance(1s);

  EXPECT_EQ(fired, 0);
}

TEST(Timers, MayBeArmedAndCancelledByATimerThatFires) {
  ManualLoop loop;
  Timers timers(loop);
  std::vector<int> order;
  Timer victim([&] { order.push_back(-1); });
  Timer again([&] { order.push_back(2); });
  Timer first([&] {
    order.push_back(1);
    victim.cancel();
    timers.arm_in(again, 10ms);
  });

  timers.arm_in(victim, 10ms);
  timers.arm_in(first, 10ms);  // The later armed one stands first in its slot.
  loop.advance(1s);

  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Timers, FiresAllInTheOrderOfTheirDeadlines) {
  ManualLoop loop;
  Timers timers(loop);
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> all;
  for (int i = 0; i < 50; ++i) {
    const int rank = (i * 37) % 50;
    all.push_back(std::make_unique<Timer>([&order, rank] { order.push_back(rank); }));
    timers.arm_in(*all.back(), rank * 100ms + 1ms);
  }

  loop.advance(20s);

  EXPECT_EQ(order.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

}  // namespace
}  // namespace tidelog::broker
