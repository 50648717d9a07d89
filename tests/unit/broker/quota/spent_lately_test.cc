#include "broker/quota/spent_lately.h"

#include <gtest/gtest.h>

#include <string>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

NameDigest who(const std::string& name) { return digest_of(name, {}); }

TEST(SpentLately, NobodyHadAnythingAtFirst) {
  SpentLately spent;

  EXPECT_EQ(spent.of(who("a"), seconds(5)), SpentLately::Time(0));
}

TEST(SpentLately, CountsHalfAsMuchAfterEveryHalfLife) {
  SpentLately spent;
  spent.add(who("a"), seconds(8), seconds(100));

  EXPECT_EQ(spent.of(who("a"), seconds(100)), seconds(8));
  EXPECT_EQ(spent.of(who("a"), seconds(110)), seconds(4));
  EXPECT_EQ(spent.of(who("a"), seconds(130)), seconds(1));
}

TEST(SpentLately, AddsToWhatIsLeft) {
  SpentLately spent;
  spent.add(who("a"), seconds(4), seconds(0));
  spent.add(who("b"), seconds(1), seconds(0));
  spent.add(who("a"), seconds(1), seconds(10));

  EXPECT_EQ(spent.of(who("a"), seconds(10)), seconds(3));
  EXPECT_EQ(spent.of(who("b"), seconds(10)), milliseconds(500));
}

TEST(SpentLately, KnowsABoundedNumberAndForgetsThoseWhoAreQuiet) {
  SpentLately spent;
  for (std::size_t i = 0; i < SpentLately::kMost + 10; ++i) spent.add(who(std::to_string(i)), seconds(1), seconds(1));
  const std::size_t most = spent.size();
  for (std::size_t i = 0; i < SpentLately::kMost; ++i) (void)spent.of(who("somebody"), seconds(1000));

  EXPECT_EQ(most, SpentLately::kMost);
  EXPECT_EQ(spent.size(), 1U);
  EXPECT_EQ(spent.of(who("0"), seconds(1000)), SpentLately::Time(0));
}

}  // namespace
}  // namespace tidelog::broker
