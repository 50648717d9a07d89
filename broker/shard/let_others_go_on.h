#pragma once

#include "broker/env/env.h"
#include "broker/shard/work_time.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tidelog::broker {

/// Between two steps of what keeps a loop busy for milliseconds: what is ready now has its turn.
inline asio::awaitable<void> let_others_go_on(Loop& loop) {
  WorkTime* const waiting = WorkTime::pause();
  co_await asio::post(loop.executor(), asio::use_awaitable);
  WorkTime::go_on(waiting);
}

}  // namespace tidelog::broker
