#include "broker/quota/quota_meter.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

constexpr QuotaCounting kShape{.window = {.count = 10, .size = 1s}, .key = {1, 2}};

TEST(QuotaMeter, CountsEachForItself) {
  QuotaMeter meter(kShape);

  meter.record("a", 1800, 100s);
  meter.record("b", 900, 100s);

  EXPECT_EQ(meter.wait("a", 100, 100s), 9s);
  EXPECT_EQ(meter.wait("b", 100, 100s), 0s);
}

TEST(QuotaMeter, RecordsNothingOfWhatHasToWait) {
  QuotaMeter meter(kShape);
  meter.record("a", 900, 100s);

  const auto first = meter.wait_before("a", 100, 900, 100s);
  const auto again = meter.wait_before("a", 100, 900, 100s);

  EXPECT_EQ(first, 9s);
  EXPECT_EQ(again, 9s);
  EXPECT_EQ(meter.wait("a", 100, 100s), 0s);
}

TEST(QuotaMeter, LetsPassWhatIsLargerThanTheWindowWhenNothingElseDid) {
  QuotaMeter meter(kShape);

  EXPECT_EQ(meter.wait_before("a", 1, 1'000'000, 100s), 0s);
  meter.record("a", 1'000'000, 100s);
  EXPECT_EQ(meter.wait_before("a", 1, 1'000'000, 105s), 10s);
  EXPECT_EQ(meter.wait_before("a", 1, 1'000'000, 111s), 0s);
}

TEST(QuotaMeter, ForgetsThoseWhoAreQuiet) {
  QuotaMeter meter(kShape);
  for (int i = 0; i < 5000; ++i) meter.record("old " + std::to_string(i), 1, 100s);

  for (int i = 0; i < 5000; ++i) meter.record("new " + std::to_string(i), 1, 200s);

  EXPECT_LE(meter.size(), 5001U);
}

TEST(QuotaMeter, HoldsABoundedNumberOfWindows) {
  QuotaMeter meter(kShape);

  for (std::size_t i = 0; i < QuotaMeter::kMost + 1000; ++i) meter.record("client " + std::to_string(i), 10, 100s);

  EXPECT_EQ(meter.size(), QuotaMeter::kMost);
}

// A thousand came too late, and used to share one window: the last of them paid for all.
TEST(QuotaMeter, CountsWhoComesWhenItIsFullForItself) {
  QuotaMeter meter(kShape);
  for (std::size_t i = 0; i < QuotaMeter::kMost + 1000; ++i) meter.record("client " + std::to_string(i), 10, 100s);

  meter.record("honest", 10, 100s);
  meter.record("greedy", 1800, 100s);

  EXPECT_EQ(meter.wait("honest", 100, 100s), 0s);
  EXPECT_EQ(meter.wait("greedy", 100, 100s), 9s);
}

TEST(QuotaMeter, KeepsWhoIsActiveWhileOthersCrowdIn) {
  QuotaMeter meter(kShape);
  meter.record("honest", 1800, 100s);

  for (std::size_t i = 0; i < 3 * QuotaMeter::kMost; ++i) {
    meter.record("crowd " + std::to_string(i), 10, 100s);
    if (i % 1000 == 0) meter.record("honest", 0, 100s);
  }

  EXPECT_EQ(meter.wait("honest", 100, 100s), 9s);
}

// Only the active one is asked about: the others go all the same.
TEST(QuotaMeter, ForgetsThoseWhoAreQuietWhileNobodyNewComes) {
  QuotaMeter meter(kShape);
  meter.record("active", 1, 100s);
  for (int i = 0; i < 1000; ++i) meter.record("quiet " + std::to_string(i), 1, 100s);

  for (int i = 0; i < 600; ++i) meter.record("active", 1, 200s);

  EXPECT_EQ(meter.size(), 1U);
}

// Each window may come to 24 KB: not many thousands of them.
TEST(QuotaMeter, HoldsFewerWindowsIfTheyAreLong) {
  QuotaMeter meter({.window = {.count = 1000, .size = 1s}});

  for (std::size_t i = 0; i < 2000; ++i) meter.record("client " + std::to_string(i), 10, 100s);

  EXPECT_LE(meter.size() * QuotaWindow::most_bytes(meter.shape()), QuotaMeter::kMostSampleBytes);
  EXPECT_GT(meter.size(), 100U);
}

TEST(QuotaMeter, KnowsLongNamesByAllOfThem) {
  QuotaMeter meter(kShape);
  const std::string name(32'000, 'x');

  meter.record(name + "a", 1800, 100s);

  EXPECT_EQ(meter.wait(name + "a", 100, 100s), 9s);
  EXPECT_EQ(meter.wait(name + "b", 100, 100s), 0s);
}

}  // namespace
}  // namespace tidelog::broker
