#pragma once

#include "broker/env/env.h"
#include "broker/shard/work_time.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tidelog::broker {

/// One coroutine waits, plain code wakes it. A notify before the wait is kept, once.
/// Thread: one loop. Life: destroying it while somebody waits destroys that coroutine without running it (a crash in the simulator).
class Signal {
 public:
  explicit Signal(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// Returns after the next `notify`, at once if one is kept. One waiter at a time.
  asio::awaitable<void> wait() {
    if (std::exchange(kept_, false)) co_return;
    WorkTime* const waiting = WorkTime::pause();
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>([this](auto handler) { waiter_ = Job(std::move(handler)); },
                                                                         asio::use_awaitable);
    WorkTime::go_on(waiting);
  }

  /// Never runs the waiter inside this call: it is posted, so the caller's state stays whole.
  void notify() {
    if (waiter_) {
      asio::post(executor_, std::exchange(waiter_, Job()));
    } else {
      kept_ = true;
    }
  }

  [[nodiscard]] bool has_waiter() const { return static_cast<bool>(waiter_); }

 private:
  asio::any_io_executor executor_;
  Job waiter_;  ///< Not asio::any_completion_handler: that of Boost 1.81 recurses for ever when it is moved.
  bool kept_ = false;
};

}  // namespace tidelog::broker
