#include "broker/shard/work_time.h"

#include "broker/shard/run_on.h"
#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;

/// Works, waits until the test says so, and works again.
asio::awaitable<void> work_and_wait(ManualLoop& loop, WorkTime& time, Signal& signal) {
  const WorkTime::Piece piece(&time, loop);
  loop.advance(milliseconds(3));
  co_await signal.wait();
  loop.advance(milliseconds(4));
}

asio::awaitable<void> work_elsewhere(ManualLoop& there, ManualLoop& here, WorkTime& time) {
  const WorkTime::Piece piece(&time, here);
  here.advance(milliseconds(1));
  Job job = [&there] { there.advance(milliseconds(20)); };
  co_await run_on(there, here, std::move(job));
}

TEST(WorkTime, IsWhatRanAndNotWhatWaited) {
  ManualLoop loop;
  WorkTime time;
  Signal signal(loop.executor());
  asio::co_spawn(loop.executor(), work_and_wait(loop, time, signal), asio::detached);
  loop.run_ready();
  loop.advance(std::chrono::hours(1));
  const SteadyTime before = time.take();

  signal.notify();
  loop.run_ready();

  EXPECT_EQ(before, milliseconds(3));
  EXPECT_EQ(time.take(), milliseconds(4));
}

TEST(WorkTime, WhileOneWaitsAnotherWorksForItself) {
  ManualLoop loop;
  WorkTime first, second;
  Signal wakes_first(loop.executor()), wakes_second(loop.executor());
  asio::co_spawn(loop.executor(), work_and_wait(loop, first, wakes_first), asio::detached);
  asio::co_spawn(loop.executor(), work_and_wait(loop, second, wakes_second), asio::detached);
  loop.run_ready();

  wakes_first.notify();
  loop.run_ready();

  EXPECT_EQ(first.take(), milliseconds(7));
  EXPECT_EQ(second.take(), milliseconds(3));
  EXPECT_EQ(WorkTime::running(), nullptr);
}

TEST(WorkTime, CountsWhatAnotherShardDidAndNotTheWayThere) {
  ManualLoop here, there;
  WorkTime time;
  asio::co_spawn(here.executor(), work_elsewhere(there, here, time), asio::detached);
  here.run_ready();
  here.advance(std::chrono::seconds(5));

  there.run_ready();
  here.run_ready();

  EXPECT_EQ(time.take(), milliseconds(21));
}

TEST(WorkTime, APieceInsideOfAnotherCountsOnce) {
  ManualLoop loop;
  WorkTime outer, inner;
  {
    const WorkTime::Piece whole(&outer, loop);
    const WorkTime::Piece part(&inner, loop);
    loop.advance(milliseconds(5));
  }

  EXPECT_EQ(outer.take(), milliseconds(5));
  EXPECT_EQ(inner.take(), SteadyTime::zero());
}

TEST(WorkTime, WhatWasTakenWhileItRunsIsNotCountedAgain) {
  ManualLoop loop;
  WorkTime time;
  SteadyTime first{};
  {
    const WorkTime::Piece piece(&time, loop);
    loop.advance(milliseconds(5));
    first = time.take();
    loop.advance(milliseconds(2));
  }

  EXPECT_EQ(first, milliseconds(5));
  EXPECT_EQ(time.take(), milliseconds(2));
}

}  // namespace
}  // namespace tidelog::broker
