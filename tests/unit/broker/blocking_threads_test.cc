#include "broker/env/blocking_threads.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>

namespace tidelog::broker {
namespace {

/// Takes what is reported from any thread, and does nothing with it.
class DeafLoop final : public Loop {
 public:
  asio::any_io_executor executor() override { return context_.get_executor(); }
  void post(Job) override {}
  void defer(Job) override {}
  SteadyTime now() const override { return {}; }
  TimestampMs wall_clock() const override { return {}; }
  void set_alarm(SteadyTime) override {}
  void on_alarm(Job) override {}

 private:
  asio::io_context context_;
};

void nothing() {}

// A read from a slow disk, while which a sync came: the read ends when the sync has run, so it would wait for ever behind it.
TEST(BlockingThreads, RunWhatGoesFirstWhileAllAreBusy) {
  DeafLoop loop;
  std::binary_semaphore synced{0};
  std::binary_semaphore read{0};
  BlockingThreads threads(1);
  threads.run(
      [&] {
        synced.acquire();
        read.release();
      },
      loop, nothing);

  threads.run_first([&] { synced.release(); }, loop, nothing);

  const bool has_ended = read.try_acquire_for(std::chrono::seconds(60));
  if (!has_ended) synced.release();  // Or the test would not end either.
  EXPECT_TRUE(has_ended);
}

/// Hands itself over again until it may end, as the syncs of a busy shard do.
struct Endless {
  void operator()() const {
    if (!*may_end) threads->run_first(*this, *loop, nothing);
  }
  BlockingThreads* threads;
  Loop* loop;
  std::atomic<bool>* may_end;
};

TEST(BlockingThreads, RunTheOthersThoughWhatGoesFirstNeverEnds) {
  DeafLoop loop;
  std::atomic<bool> may_end = false;
  std::binary_semaphore ran{0};
  BlockingThreads threads(1);
  for (int i = 0; i < 3; ++i) threads.run_first(Endless{&threads, &loop, &may_end}, loop, nothing);

  threads.run([&] { ran.release(); }, loop, nothing);

  EXPECT_TRUE(ran.try_acquire_for(std::chrono::seconds(60)));
  may_end = true;
}

TEST(BlockingThreads, FinishWhatWasHandedOver) {
  DeafLoop loop;
  std::counting_semaphore<> ran{0};
  BlockingThreads threads(2);
  for (int i = 0; i < 50; ++i) threads.run([&] { ran.release(); }, loop, nothing);
  for (int i = 0; i < 50; ++i) threads.run_first([&] { ran.release(); }, loop, nothing);

  threads.stop();

  int finished = 0;
  while (ran.try_acquire()) ++finished;
  EXPECT_EQ(finished, 100);
}

}  // namespace
}  // namespace tidelog::broker
