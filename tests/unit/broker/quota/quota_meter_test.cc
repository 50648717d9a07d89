#include "broker/quota/quota_meter.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

constexpr QuotaWindowShape kShape{.count = 10, .size = 1s};

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
  // Who came too late shares with a thousand others, and is limited nevertheless.
  EXPECT_GT(meter.wait("client " + std::to_string(QuotaMeter::kMost), 100, 100s), 0s);
  EXPECT_EQ(meter.wait("client 0", 100, 100s), 0s);
}

}  // namespace
}  // namespace tidelog::broker
