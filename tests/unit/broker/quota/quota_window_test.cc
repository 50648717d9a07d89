#include "broker/quota/quota_window.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

/// Ten samples of a second, so that numbers are round.
constexpr QuotaWindowShape kShape{.count = 10, .size = 1s};

TEST(QuotaWindow, SpreadsABurstOverTheSamplesBeforeIt) {
  QuotaWindow window;

  window.record(900, 100s, kShape);

  // Nine samples count as empty ones, so 900 are 100 a second.
  EXPECT_EQ(window.wait_for(100, 0, 100s, kShape), 0s);
  EXPECT_EQ(window.wait_for(50, 0, 100s, kShape), 9s);
}

TEST(QuotaWindow, WaitsAsLongAsTheExcessTakesAtTheLimit) {
  QuotaWindow window;
  window.record(1000, 100s, kShape);

  const auto at_once = window.wait_for(100, 0, 100s, kShape);
  const auto half_a_sample_later = window.wait_for(100, 0, 100s + 500ms, kShape);

  EXPECT_NEAR(std::chrono::duration<double>(at_once).count(), 1.0, 0.001);
  EXPECT_NEAR(std::chrono::duration<double>(half_a_sample_later).count(), 0.5, 0.001);
}

TEST(QuotaWindow, CountsNineToTenSecondsOnceSamplesFollowOneAnother) {
  QuotaWindow window;
  for (int second = 0; second < 60; ++second) window.record(100, 100s + second * 1s, kShape);

  // The sample of second 50 is the oldest that was added to within the window: ten samples over 9.5 seconds.
  EXPECT_EQ(window.wait_for(106, 0, 159s + 500ms, kShape), 0s);
  EXPECT_GT(window.wait_for(104, 0, 159s + 500ms, kShape), 0s);
}

TEST(QuotaWindow, LetsASteadyStreamAtTheLimitPass) {
  QuotaWindow window;
  for (int i = 0; i < 1000; ++i) {
    const auto now = 100s + i * 100ms;
    window.record(10, now, kShape);
    EXPECT_EQ(window.wait_for(115, 0, now, kShape), 0s) << i;
  }
  EXPECT_GT(window.wait_for(80, 0, 200s, kShape), 0s);
}

TEST(QuotaWindow, ForgetsASampleOnceTheWholeWindowHasPassed) {
  QuotaWindow window;
  window.record(1'000'000, 100s, kShape);

  const bool idle_before = window.is_idle(110s - 1ns, kShape);
  const bool idle_after = window.is_idle(110s, kShape);

  EXPECT_FALSE(idle_before);
  EXPECT_TRUE(idle_after);
  EXPECT_EQ(window.wait_for(1, 0, 110s, kShape), 0s);
}

TEST(QuotaWindow, NeverWaitsLongerThanTheWholeWindow) {
  QuotaWindow window;

  window.record(1e18, 100s, kShape);

  EXPECT_EQ(window.wait_for(0.001, 0, 100s, kShape), 10s);
}

TEST(QuotaWindow, CountsWhatIsOnlyAskedForWithoutKeepingIt) {
  QuotaWindow window;
  window.record(900, 100s, kShape);

  const auto with_more = window.wait_for(100, 900, 100s, kShape);
  const auto without = window.wait_for(100, 0, 100s, kShape);

  EXPECT_EQ(with_more, 9s);
  EXPECT_EQ(without, 0s);
}

TEST(QuotaWindow, WorksWithASingleSample) {
  constexpr QuotaWindowShape shape{.count = 1, .size = 1s};
  QuotaWindow window;

  window.record(1, 100s, shape);

  EXPECT_GT(window.wait_for(1, 0, 100s, shape), 998ms);
  EXPECT_GT(window.wait_for(1, 0, 100s + 999ms, shape), 0s);
  EXPECT_EQ(window.wait_for(1, 0, 101s, shape), 0s);
}

TEST(QuotaWindowShape, TellsWhatMayPassAtOnce) {
  EXPECT_EQ(kShape.burst(100), 900);
  EXPECT_EQ((QuotaWindowShape{.count = 1, .size = 2s}.burst(100)), 200);
}

}  // namespace
}  // namespace tidelog::broker
