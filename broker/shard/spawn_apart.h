#pragma once

#include "broker/env/env.h"
#include "broker/shard/work_time.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace tidelog::broker {

/// Starts a coroutine that goes on by itself. On the loop it runs at once up to where it first waits, so whoever pays for the work at hand
/// must not be taken along: it is gone long before this ends.
inline void spawn_apart(Loop& loop, asio::awaitable<void> task) {
  WorkTime* const working = WorkTime::pause();
  asio::co_spawn(loop.executor(), std::move(task), asio::detached);
  WorkTime::go_on(working);
}

}  // namespace tidelog::broker
