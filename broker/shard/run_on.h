#pragma once

#include "broker/shard/signal.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>

namespace tidelog::broker {

/// Runs `work` on the blocking pool and returns on `loop` when it is done. Call on `loop`.
inline asio::awaitable<void> run_blocking(Env& env, Loop& loop, Job work) {
  Signal done(loop.executor());
  env.blocking().run(std::move(work), loop, [&done] { done.notify(); });
  co_await done.wait();
}

/// What wakes the one that waits for `done`.
inline Job notifier(Signal& done) {
  return [&done] { done.notify(); };
}

/// Runs a plain function on another shard's loop and returns on `back` when it has run. Call on `back`. What it throws is thrown here: on
/// the other loop it would end the process.
inline asio::awaitable<void> run_on(Loop& there, Loop& back, Job work) {
  if (&there == &back) {
    work();
    co_return;
  }
  Signal done(back.executor());
  WorkTime* const payer = WorkTime::running();
  SteadyTime spent{};
  std::exception_ptr failed;
  there.post([&done, &there, &back, &failed, spent_there = payer == nullptr ? nullptr : &spent, job = std::move(work)]() mutable {
    const SteadyTime began = spent_there == nullptr ? SteadyTime() : there.now();
    try {
      job();
    } catch (...) {
      failed = std::current_exception();
    }
    if (spent_there != nullptr) *spent_there = there.now() - began;
    back.post(notifier(done));
  });
  co_await done.wait();
  if (payer != nullptr) payer->add(spent);
  if (failed) std::rethrow_exception(failed);
}

/// Runs `work` and tells how long it kept its loop busy. What it is given by reference outlives it.
inline asio::awaitable<void> timed(asio::awaitable<void> work, WorkTime& time, Loop& loop) {
  const WorkTime::Piece piece(&time, loop);
  co_await std::move(work);
}

/// Runs a coroutine on another shard's loop and returns on `back` when it has ended. Call on `back`. What `work` was given by reference
/// outlives it, because the caller waits; a lambda that captures would not, so `work` is the call of a named coroutine. What it throws is
/// thrown here: a caller that went on would take what `work` did not do for done.
inline asio::awaitable<void> await_on(Loop& there, Loop& back, asio::awaitable<void> work) {
  if (&there == &back) {
    co_await std::move(work);
    co_return;
  }
  Signal done(back.executor());
  WorkTime* const payer = WorkTime::running();
  WorkTime spent;
  std::exception_ptr failed;
  if (payer != nullptr) work = timed(std::move(work), spent, there);
  there.post([&done, &there, &back, &failed, task = std::move(work)]() mutable {
    auto finished = [&done, &back, &failed](const std::exception_ptr& error) {
      failed = error;
      back.post(notifier(done));
    };
    asio::co_spawn(there.executor(), std::move(task), std::move(finished));
  });
  co_await done.wait();
  if (payer != nullptr) payer->add(spent.take());
  if (failed) std::rethrow_exception(failed);
}

}  // namespace tidelog::broker
