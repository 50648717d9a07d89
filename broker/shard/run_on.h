#pragma once

#include "broker/shard/signal.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tidelog::broker {

/// Runs `work` on the blocking pool and returns on `loop` when it is done. Call on `loop`.
inline asio::awaitable<void> run_blocking(Env& env, Loop& loop, Job work) {
  Signal done(loop.executor());
  env.blocking().run(std::move(work), loop, [&done] { done.notify(); });
  co_await done.wait();
}

/// Runs a plain function on another shard's loop and returns on `back` when it has run. Call on `back`.
inline asio::awaitable<void> run_on(Loop& there, Loop& back, Job work) {
  if (&there == &back) {
    work();
    co_return;
  }
  Signal done(back.executor());
  there.post([&done, &back, job = std::move(work)]() mutable {
    job();
    back.post([&done] { done.notify(); });
  });
  co_await done.wait();
}

/// Runs a coroutine on another shard's loop and returns on `back` when it has ended. Call on `back`.
inline asio::awaitable<void> await_on(Loop& there, Loop& back, std::move_only_function<asio::awaitable<void>()> work) {
  if (&there == &back) {
    co_await work();
    co_return;
  }
  Signal done(back.executor());
  there.post([&done, &there, &back, task = std::move(work)]() mutable {
    auto finished = [&done, &back](const std::exception_ptr&) { back.post([&done] { done.notify(); }); };
    // `task` owns what the coroutine's frame refers to, so it lives in the completion handler's neighbour: the frame itself.
    auto run = [](std::move_only_function<asio::awaitable<void>()> held) -> asio::awaitable<void> { co_await held(); };
    asio::co_spawn(there.executor(), run(std::move(task)), std::move(finished));
  });
  co_await done.wait();
}

}  // namespace tidelog::broker
