#include "broker/shard/fair_turns.h"

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
    FairTurns::Rank rank;
    SteadyTime until = kForEver;
  };

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
    const std::optional<FairTurns::Turn> turn = co_await turns_.take(wish.rank, wish.until);
    seen_.push_back(wish.name + (turn ? "" : " too late"));
    if (turn) co_await end_->wait();
  }

  ManualLoop loop_;
  std::unique_ptr<Signal> end_ = std::make_unique<Signal>(loop_.executor());
  FairTurns turns_{loop_};
  std::vector<std::string> seen_;
};

using Seen = std::vector<std::string>;

TEST_F(FairTurnsTest, TheLowestRankGoesFirst) {
  come({.name = "first"});
  come({.name = "dear", .rank = {.first = seconds(9)}});
  come({.name = "cheap", .rank = {.first = seconds(1), .second = seconds(1)}});
  come({.name = "new connection of cheap", .rank = {.first = seconds(1)}});
  come({.name = "new"});

  for (int i = 0; i < 5; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"first", "new", "new connection of cheap", "cheap", "dear"}));
}

TEST_F(FairTurnsTest, EqualsGoInTheOrderTheyCame) {
  for (const char* name : {"a", "b", "c", "d"}) come({.name = name, .rank = {.first = seconds(2)}});

  for (int i = 0; i < 4; ++i) end_turn();

  EXPECT_EQ(seen_, (Seen{"a", "b", "c", "d"}));
}

TEST_F(FairTurnsTest, OneAtATime) {
  come({.name = "a"});
  come({.name = "b"});

  EXPECT_EQ(seen_, Seen{"a"});
  EXPECT_EQ(turns_.waiting(), 1U);
}

TEST_F(FairTurnsTest, WhoIsTooLateIsSentAwayAtTheNextTurnWhateverItsRank) {
  come({.name = "holder"});
  come({.name = "dear", .rank = {.first = seconds(9)}, .until = loop_.now() + milliseconds(10)});
  come({.name = "next"});
  loop_.advance(milliseconds(10));

  end_turn();

  EXPECT_EQ(seen_, (Seen{"holder", "next", "dear too late"}));
  EXPECT_EQ(turns_.waiting(), 0U);
}

TEST_F(FairTurnsTest, ATurnThatComesTooLateGoesToTheNext) {
  come({.name = "holder"});
  come({.name = "late", .until = loop_.now() + milliseconds(10)});
  come({.name = "in time", .rank = {.first = seconds(1)}});
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
