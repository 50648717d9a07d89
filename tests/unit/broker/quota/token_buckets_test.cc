#include "broker/quota/token_buckets.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

constexpr QuotaCounting kShape{.window = {.count = 10, .size = 1s}, .key = {1, 2}};

TEST(TokenBuckets, LetTheBurstOfAWholeWindowPass) {
  TokenBuckets buckets(kShape);

  buckets.take("a", 2, 20, 100s);

  EXPECT_EQ(buckets.wait("a", 2, 100s), 0s);
  buckets.take("a", 2, 4, 100s);
  EXPECT_EQ(buckets.wait("a", 2, 100s), 2s);
}

TEST(TokenBuckets, GiveBackAtTheRateOfTheLimit) {
  TokenBuckets buckets(kShape);
  buckets.take("a", 2, 28, 100s);

  EXPECT_EQ(buckets.wait("a", 2, 101s), 3s);
  EXPECT_EQ(buckets.wait("a", 2, 104s), 0s);
}

TEST(TokenBuckets, WaitNoLongerThanTheWholeWindow) {
  TokenBuckets buckets(kShape);

  buckets.take("a", 1, 10'000, 100s);

  EXPECT_EQ(buckets.wait("a", 1, 100s), 10s);
}

TEST(TokenBuckets, SaveUpNoMoreThanTheBurst) {
  TokenBuckets buckets(kShape);
  buckets.take("a", 2, 1, 100s);

  buckets.take("a", 2, 22, 1000s);

  EXPECT_EQ(buckets.wait("a", 2, 1000s), 1s);
}

TEST(TokenBuckets, ForgetThoseWhoOweNothingAndKeepTheOthers) {
  TokenBuckets buckets(kShape);
  buckets.take("owes", 1, 1000, 100s);
  for (int i = 0; i < 5000; ++i) buckets.take("old " + std::to_string(i), 1, 1, 100s);

  for (int i = 0; i < 5000; ++i) buckets.take("new " + std::to_string(i), 1, 1, 200s);

  EXPECT_LE(buckets.size(), 5002U);
  EXPECT_GT(buckets.wait("owes", 1, 200s), 0s);
}

TEST(TokenBuckets, GiveWhoComesWhenThereAreTooManyItsOwn) {
  TokenBuckets buckets(kShape);
  for (std::size_t i = 0; i < TokenBuckets::kMost + 1000; ++i) buckets.take("client " + std::to_string(i), 1, 20, 100s);

  buckets.take("honest", 1, 5, 100s);

  EXPECT_EQ(buckets.size(), TokenBuckets::kMost);
  EXPECT_EQ(buckets.wait("honest", 1, 100s), 0s);
}

}  // namespace
}  // namespace tidelog::broker
