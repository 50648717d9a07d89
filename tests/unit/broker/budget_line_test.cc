// Who gets memory when many wait for it.
#include "broker/shard/budget.h"
#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

using Want = Budget::Wait::Want;
using Given = std::vector<std::string>;

constexpr std::size_t kLimit = 1 << 20;
constexpr std::size_t kBlock = 10'000;                   // A small portion.
constexpr std::size_t kLarge = Budget::kSmallBytes + 1;  // Of this budget.

class BudgetLineTest : public ::testing::Test {
 protected:
  struct Waiter {
    Waiter(std::string named, const std::shared_ptr<Budget>& budget, const Budget::Wait::Who& who)
        : name(std::move(named)), wait(budget, who) {}
    std::string name;
    Budget::Wait wait;
  };

  static TurnTaker taker(std::uint64_t address, std::uint64_t connection = 0) {
    return {.address = {address, 0}, .connection = {address, connection}};
  }
  Budget::Wait& come(std::string name, const TurnTaker& who, const Want& want) {
    const Budget::Wait::Who mine{.taker = who, .woken = woken_, .loop = loop_};
    Budget::Wait& wait = waiters_.emplace_back(std::move(name), budget_, mine).wait;
    wait.ask(want);
    return wait;
  }
  /// Its place goes with that, and what it was lent.
  void has_all(std::string_view name) {
    std::erase_if(waiters_, [name](const Waiter& waiter) { return waiter.name == name; });
  }
  /// More of it by small ones than is kept for them.
  void fill_but_a_quarter() {
    budget_->take(kLimit / 2);
    for (std::size_t used = 0; used < kLimit / 4; used += Budget::kSmallBytes) budget_->take(Budget::kSmallBytes);
  }
  /// Who has been given what it asked for since the last call.
  Given given() {
    Given all;
    for (Waiter& waiter : waiters_) {
      if (waiter.wait.take()) all.push_back(waiter.name);
    }
    return all;
  }
  /// So many bytes come back as often as told.
  Given given_by(int times, std::size_t bytes) {
    Given all;
    for (int i = 0; i < times; ++i) {
      budget_->give(bytes);
      for (std::string& name : given()) all.push_back(std::move(name));
    }
    return all;
  }

  ManualLoop loop_;
  Signal woken_{loop_.executor()};
  std::shared_ptr<Budget> budget_ = std::make_shared<Budget>(kLimit);
  std::list<Waiter> waiters_;
};

TEST_F(BudgetLineTest, ACrowdOfOneAddressWaitsBehindWhoeverWasGivenLess) {
  budget_->take(kLimit);
  for (std::uint64_t i = 0; i < 4; ++i) come("crowd", taker(1, i), {.bytes = kBlock});
  come("other", taker(2), {.bytes = kBlock});

  const Given order = given_by(5, kBlock);

  EXPECT_EQ(order, (Given{"crowd", "other", "crowd", "crowd", "crowd"})) << "nobody had had anything when they came";
}

TEST_F(BudgetLineTest, WhoWasGivenMuchLatelyWaitsBehindWhoeverIsNew) {
  budget_->take(kLimit);
  come("crowd", taker(1), {.bytes = kBlock});
  given_by(1, kBlock);
  come("crowd", taker(1, 1), {.bytes = kBlock});
  come("other", taker(2), {.bytes = kBlock});

  const Given order = given_by(2, kBlock);

  EXPECT_EQ(order, (Given{"other", "crowd"}));
}

// Else whoever goes on working would wait behind each connection that is new.
TEST_F(BudgetLineTest, OfOneAddressWhoCameFirstGoesFirstHoweverMuchItHad) {
  budget_->take(kLimit);
  come("busy", taker(1, 7), {.bytes = kBlock});
  given_by(1, kBlock);
  come("busy", taker(1, 7), {.bytes = kBlock});
  come("new", taker(1, 8), {.bytes = kBlock});

  const Given order = given_by(2, kBlock);

  EXPECT_EQ(order, (Given{"busy", "new"}));
}

// Were a newcomer served at once whenever there is room, it would take what others wait for.
TEST_F(BudgetLineTest, WhoComesWhileOthersWaitStandsInTheLineToo) {
  budget_->take(kLimit);
  come("first", taker(1), {.bytes = kBlock});
  budget_->give(kBlock - 1);

  const bool newcomer = budget_->try_take(100);
  const Given order = given_by(1, 1);

  EXPECT_FALSE(newcomer);
  EXPECT_EQ(order, (Given{"first"}));
}

TEST_F(BudgetLineTest, WhatIsThereIsGivenAtOnceToWhoeverAsks) {
  Budget::Wait& wait = come("only", taker(1), {.bytes = kBlock});

  EXPECT_TRUE(wait.take());
  EXPECT_EQ(budget_->used_bytes(), kBlock);
  EXPECT_FALSE(budget_->is_waited_for());
}

TEST_F(BudgetLineTest, NobodyPassesWhoDeservesItMoreAndAskedForAsMuch) {
  budget_->take(kLimit);
  come("much", taker(1), {.bytes = Budget::kSmallBytes});
  come("little", taker(2), {.bytes = 100});

  const Given before = given_by(1, kBlock);
  const Given order = given_by(1, Budget::kSmallBytes);

  EXPECT_EQ(before, Given{}) << "the first of them has no room yet";
  EXPECT_EQ(order, (Given{"much", "little"}));
}

TEST_F(BudgetLineTest, LittleIsGivenFromWhatIsKeptForItWhileMuchIsWaitedFor) {
  budget_->take(kLimit - kLimit / 4);
  come("much", taker(1), {.bytes = kLarge});
  come("little", taker(2), {.bytes = Budget::kSmallBytes});

  EXPECT_EQ(given(), (Given{"little"}));
}

// A crowd that asks for little could go on for ever with what the others give back.
TEST_F(BudgetLineTest, LittleWaitsBehindMuchOnceWhatIsKeptForItIsUsed) {
  budget_->take(kLimit / 2);
  for (std::size_t used = 0; used < kLimit / 2; used += Budget::kSmallBytes) budget_->take(Budget::kSmallBytes);
  come("much", taker(1), {.bytes = kLarge});
  for (std::uint64_t i = 0; i < 8; ++i) come("crowd", taker(2, i), {.bytes = Budget::kSmallBytes});

  const Given order = given_by(8, Budget::kSmallBytes);

  ASSERT_FALSE(order.empty());
  EXPECT_EQ(std::ranges::count(order, "much"), 1);
  EXPECT_LE(std::ranges::find(order, "much") - order.begin(), 2) << "two of them have what is kept for their kind";
}

TEST_F(BudgetLineTest, WhoHoldsSomethingGoesOnThoughMuchIsWaitedFor) {
  fill_but_a_quarter();
  come("much", taker(1), {.bytes = kLarge});
  come("new", taker(2), {.bytes = kBlock});
  const Given before = given();

  waiters_.pop_back();
  come("begun", taker(3), {.bytes = 2 * kBlock, .instead_of = kBlock});

  EXPECT_EQ(before, Given{});
  EXPECT_EQ(given(), (Given{"begun"}));
}

// A few with requests that never end would grow into all that comes back, and whoever wants to begin would never have room.
TEST_F(BudgetLineTest, WhoseAddressHadMuchLatelyWaitsThoughItHoldsSomething) {
  for (int i = 0; i < 3; ++i) {
    const Given all_at_once = (come("hoarder", taker(3, 1), {.bytes = Budget::kSmallBytes}), given());
    ASSERT_EQ(all_at_once.size(), 1U);
    budget_->give(Budget::kSmallBytes);
  }
  fill_but_a_quarter();
  come("beginning", taker(1), {.bytes = kBlock, .is_for = Want::For::beginning});
  come("hoarder", taker(3, 2), {.bytes = 2 * kBlock, .instead_of = kBlock});
  const Given before = given();
  budget_->give(kBlock);

  EXPECT_EQ(before, Given{});
  EXPECT_EQ(given(), (Given{"beginning", "hoarder"}));
}

TEST_F(BudgetLineTest, BeginningsThatHaveToWaitKeepNobodyElseWaiting) {
  fill_but_a_quarter();
  come("beginning", taker(1), {.bytes = kBlock, .is_for = Want::For::beginning});
  come("whole", taker(2), {.bytes = kBlock});

  EXPECT_EQ(given(), (Given{"whole"}));
}

TEST_F(BudgetLineTest, WhoAsksForTheBeginningOfALargeRequestLeavesTheLastQuarterAlone) {
  budget_->take(kLimit - kLimit / 4);
  come("beginning", taker(1), {.bytes = kBlock, .is_for = Want::For::beginning});
  come("whole", taker(2), {.bytes = kBlock});

  EXPECT_EQ(given(), (Given{"whole"}));
}

// They hold the rest of what is waited for, and give it back once they are whole.
TEST_F(BudgetLineTest, ALittleIsLentToThoseWhoseRequestsAreWholeWithIt) {
  budget_->take(kLimit - 2 * kBlock);
  come("first", taker(1), {.bytes = 3 * kBlock});
  come("end", taker(2), {.bytes = kBlock, .is_for = Want::For::end});

  EXPECT_EQ(given(), (Given{"end"}));
}

TEST_F(BudgetLineTest, NoMoreIsLentThanALittleUntilItCameBack) {
  budget_->take(kLimit - 4 * Budget::kSmallBytes);
  budget_->take(Budget::kSmallBytes);
  budget_->take(Budget::kSmallBytes);
  come("much", taker(1), {.bytes = kLarge});
  come("little", taker(1), {.bytes = kBlock});
  come("first end", taker(2), {.bytes = Budget::kSmallBytes, .is_for = Want::For::end});
  come("another end", taker(3), {.bytes = kBlock, .is_for = Want::For::end});
  const Given lent = given();

  budget_->give(1);
  const Given meanwhile = given();
  has_all("first end");
  budget_->give(1);

  EXPECT_EQ(lent, (Given{"first end"}));
  EXPECT_EQ(meanwhile, Given{});
  EXPECT_EQ(given(), (Given{"another end"}));
}

// It goes away while it waits, or before it took what it was given.
TEST_F(BudgetLineTest, WhatNobodyTookGoesBackAndTheNextOneHasIt) {
  budget_->take(kLimit);
  come("gone", taker(1), {.bytes = kBlock});
  come("next", taker(2), {.bytes = kBlock});
  budget_->give(kBlock);

  waiters_.pop_front();

  EXPECT_EQ(given(), (Given{"next"}));
  EXPECT_EQ(budget_->used_bytes(), kLimit);
}

TEST_F(BudgetLineTest, WhoLeavesTheLineKeepsNobodyWaiting) {
  budget_->take(kLimit - kBlock);
  come("much", taker(1), {.bytes = 2 * kBlock});
  come("little", taker(2), {.bytes = kBlock});
  const Given before = given();

  waiters_.pop_front();

  EXPECT_EQ(before, Given{});
  EXPECT_EQ(given(), (Given{"little"}));
}

TEST_F(BudgetLineTest, WhatAWaiterWillGiveBackIsRoomForIt) {
  budget_->take(kLimit);
  Budget::Wait& wait = come("one", taker(1), {.bytes = 2 * kBlock});

  wait.ask({.bytes = 2 * kBlock, .instead_of = 2 * kBlock});

  EXPECT_TRUE(wait.take());
  EXPECT_EQ(budget_->used_bytes(), kLimit + 2 * kBlock);
}

TEST_F(BudgetLineTest, IsStuckOnlyIfNothingThatComesBackWouldHelp) {
  budget_->take(kLimit);
  come("one", taker(1), {.bytes = 2 * kBlock, .instead_of = kBlock});

  EXPECT_TRUE(budget_->is_stuck_with(kLimit)) << "those who wait have it all";
  EXPECT_FALSE(budget_->is_stuck_with(kLimit - kBlock)) << "others will give back enough";
}

}  // namespace
}  // namespace tidelog::broker
