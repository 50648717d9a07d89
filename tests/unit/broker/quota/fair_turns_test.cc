#include "broker/quota/fair_turns.h"

#include "tests/support/manual_loop.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SteadyTime kForEver = SteadyTime::max();

class FairTurnsTest : public ::testing::Test {
 protected:
  struct Wish {
    std::string name;
    TurnTaker taker{};
    SteadyTime until = kForEver;
  };

  static TurnTaker taker(std::uint64_t address, std::uint64_t connection = 0) {
    return {.address = {address, 0}, .connection = {address, connection}};
  }

  /// Comes, and keeps its turn until `end_turn`.
  void come(Wish wish) {
    asio::co_spawn(loop_.executor(), have_a_turn(std::move(wish)), asio::detached);
    loop_.run_ready();
  }

  void end_turn() {
    end_->notify();
    loop_.run_ready();
  }

  asio::awaitable<void> have_a_turn(Wish wish) {
    const std::optional<FairTurns::Turn> turn = co_await turns_.take(wish.taker, wish.until);
    seen_.push_back(wish.name + (turn ? "" : " too late"));
    if (turn) co_await end_->wait();
  }

  ManualLoop loop_;
  std::unique_ptr<Signal> end_ = std::make_unique<Signal>(loop_.executor());
  FairTurns turns_{loop_};
  std::vector<std::string> seen_;
};

using Seen = std::vector<std::string>;

TEST_F(FairTurnsTest, WhoHadLeastLatelyGoesFirst) {
  turns_.charge(taker(1), seconds(9));
  turns_.charge(taker(2, 1), seconds(1));
  come({.name = "first"});
  come({.name = "dear", .taker = taker(1)});
  come({.name = "cheap", .taker = taker(2, 1)});
  come({.name = "new connection of cheap", .taker = taker(2, 2)});
  come({.name = "new", .taker = taker(3)});

  for (int i = 0; i < 5; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"first", "new", "new connection of cheap", "cheap", "dear"}));
}

TEST_F(FairTurnsTest, ACrowdThatCameAtOnceWaitsBehindWhoeverHadLessSince) {
  turns_.charge(taker(2), milliseconds(5));
  for (std::uint64_t i = 0; i < 4; ++i) come({.name = "crowd", .taker = taker(1, i)});
  come({.name = "known", .taker = taker(2)});

  // When they came nobody had had anything; the first turn of one of them says what theirs cost.
  turns_.charge(taker(1, 0), milliseconds(100));
  for (int i = 0; i < 4; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"crowd", "known", "crowd", "crowd", "crowd"}));
}

TEST_F(FairTurnsTest, ConnectionsOfOneAddressShareWhatItHas) {
  come({.name = "holder", .taker = taker(9)});
  for (const char* name : {"a1", "a2"}) come({.name = name, .taker = taker(1, 1)});
  for (const char* name : {"b1", "b2"}) come({.name = name, .taker = taker(1, 2)});

  for (const TurnTaker& had : {taker(9), taker(1, 1), taker(1, 2), taker(1, 1), taker(1, 2)}) {
    turns_.charge(had, milliseconds(10));
    end_turn();
  }

  EXPECT_EQ(seen_, (Seen{"holder", "a1", "b1", "a2", "b2"}));
}

TEST_F(FairTurnsTest, WhatWasHadIsForgottenInTime) {
  turns_.charge(taker(1), seconds(8));
  loop_.advance(seconds(100));
  turns_.charge(taker(2), seconds(1));
  come({.name = "holder", .taker = taker(9)});
  come({.name = "more and later", .taker = taker(2)});
  come({.name = "much and long ago", .taker = taker(1)});

  for (int i = 0; i < 3; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"holder", "much and long ago", "more and later"}));
}

TEST_F(FairTurnsTest, EqualsGoInTheOrderTheyCame) {
  for (const char* name : {"a", "b", "c", "d"}) come({.name = name});

  for (int i = 0; i < 4; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"a", "b", "c", "d"}));
}

TEST_F(FairTurnsTest, OneAtATime) {
  come({.name = "a"});
  come({.name = "b"});

  EXPECT_EQ(seen_, Seen{"a"});
  EXPECT_EQ(turns_.waiting(), 1U);
}

TEST_F(FairTurnsTest, WhoIsTooLateIsSentAwayAtTheNextTurnThoughOthersGoFirst) {
  turns_.charge(taker(1), seconds(9));
  come({.name = "holder"});
  come({.name = "dear", .taker = taker(1), .until = loop_.now() + milliseconds(10)});
  come({.name = "next"});
  loop_.advance(milliseconds(10));

  end_turn();

  EXPECT_EQ(seen_, (Seen{"holder", "next", "dear too late"}));
  EXPECT_EQ(turns_.waiting(), 0U);
}

TEST_F(FairTurnsTest, ATurnThatComesTooLateGoesToTheNext) {
  come({.name = "holder"});
  come({.name = "late", .until = loop_.now() + milliseconds(10)});
  come({.name = "in time"});
  loop_.advance(milliseconds(10));

  end_turn();

  EXPECT_EQ(seen_, (Seen{"holder", "late too late", "in time"}));
}

TEST_F(FairTurnsTest, IsFreeAgainWhenNobodyWaits) {
  come({.name = "a"});
  end_turn();

  come({.name = "b"});

  EXPECT_EQ(seen_, (Seen{"a", "b"}));
}

TEST(FairTurns, AQueueThatEndsTakesThoseWhoWaitWithIt) {
  auto loop = std::make_unique<ManualLoop>();
  auto turns = std::make_unique<FairTurns>(*loop);
  int turns_had = 0;
  const auto have_one = [](FairTurns& from, int& count) -> asio::awaitable<void> {
    const auto turn = co_await from.take({}, kForEver);
    ++count;
    Signal never(co_await asio::this_coro::executor);
    co_await never.wait();
  };
  for (int i = 0; i < 3; ++i) asio::co_spawn(loop->executor(), have_one(*turns, turns_had), asio::detached);
  loop->run_ready();

  turns.reset();
  loop.reset();  // The frames go in any order: the holder's passes its turn on to one of those that are gone or go next.

  EXPECT_EQ(turns_had, 1);
}

}  // namespace
}  // namespace tidelog::broker
