#include "broker/shard/budget.h"

#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

constexpr std::size_t kLimit = 1 << 20;

TEST(Budget, LeavesItsLastQuarterToSmallTakers) {
  Budget budget(kLimit);
  ASSERT_TRUE(budget.try_take(kLimit / 2));

  const bool large = budget.try_take(kLimit / 2 - 1);
  const bool small = budget.try_take(Budget::kSmallBytes);

  EXPECT_FALSE(large);
  EXPECT_TRUE(small);
}

TEST(Budget, LeavesAPartOfThatToThoseWhoWantNotMuchMore) {
  constexpr std::size_t kLarge = 64 << 20;
  Budget budget(kLarge);
  ASSERT_TRUE(budget.try_take(kLarge / 4 * 3));

  const bool large = budget.try_take(kLarge / 10);
  const bool modest = budget.try_take(kLarge / 16);
  while (budget.try_take(kLarge / 16)) {
  }
  const bool small = budget.try_take(Budget::kSmallBytes);

  EXPECT_FALSE(large);
  EXPECT_TRUE(modest);
  EXPECT_TRUE(small);
}

TEST(Budget, RefusesSmallTakersWhenAllIsTaken) {
  Budget budget(kLimit);
  while (budget.try_take(Budget::kSmallBytes)) {
  }

  EXPECT_EQ(budget.used_bytes(), kLimit);
}

TEST(Budget, LetsOneAloneExceedItsLimitAlsoWhenItGrows) {
  Budget budget(kLimit);
  ASSERT_TRUE(budget.try_take(2 * kLimit));

  const bool grown = budget.try_take(4 * kLimit, 2 * kLimit);
  const bool another = budget.try_take(1);

  EXPECT_TRUE(grown);
  EXPECT_FALSE(another);
}

TEST(BudgetShare, GivesBackWhatItTookWhateverItsSizeWasBetween) {
  const auto budget = std::make_shared<Budget>(kLimit);
  {
    BudgetShare share;
    ASSERT_TRUE(share.try_resize(budget, 1000));
    ASSERT_TRUE(share.try_resize(budget, 5000));
    share.resize(budget, 2 * kLimit);
    ASSERT_TRUE(share.try_resize(budget, 300));
    ASSERT_EQ(budget->used_bytes(), 300U);
  }

  EXPECT_EQ(budget->used_bytes(), 0U);
}

TEST(BudgetShare, KeepsWhatItHasWhenThereIsNoMore) {
  const auto budget = std::make_shared<Budget>(kLimit);
  BudgetShare others;
  others.resize(budget, kLimit);
  BudgetShare share;

  const bool grown = share.try_resize(budget, 1);

  EXPECT_FALSE(grown);
  EXPECT_EQ(budget->used_bytes(), kLimit);
}

TEST(Budget, WakesWhoWaitsWhenBytesComeBack) {
  ManualLoop loop;
  Budget budget(kLimit);
  budget.take(kLimit);
  Signal waiter(loop.executor());
  budget.notify_when_given(waiter);

  budget.give(1);
  budget.stop_waiting(waiter);
  budget.give(1);

  EXPECT_EQ(budget.used_bytes(), kLimit - 2);
}

}  // namespace
}  // namespace tidelog::broker
