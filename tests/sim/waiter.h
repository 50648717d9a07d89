#pragma once

#include "tests/sim/loop.h"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace tidelog::sim {

/// A suspended coroutine: calling it goes on with it, destroying it destroys the coroutine's whole stack without running it.
using Handler = asio::any_completion_handler<void()>;

/// Suspends the calling coroutine and hands its handler to `keep`, which must see to it that it is called on the coroutine's loop.
template <class Keep>
asio::awaitable<void> suspend(Keep keep) {
  auto initiate = [&keep](auto handler) { keep(Handler(std::move(handler))); };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate), asio::use_awaitable);
}

/// At most one coroutine that waits here for something. Kept by the world, not by what the coroutine owns: a crash must be able to
/// reach it, or the coroutine and its waiter would keep each other alive.
class Waiter {
 public:
  /// Called on `loop`.
  asio::awaitable<void> wait(SimLoop& loop) {
    auto keep = [this, &loop](Handler handler) {
      CHECK(!handler_);
      loop_ = &loop;
      handler_.swap(handler);  // Not assigned: Boost 1.81's move assignment calls itself for ever.
    };
    co_await suspend(std::move(keep));
  }
  void wake() {
    if (handler_) loop_->post([woken = std::exchange(handler_, nullptr)]() mutable { std::move(woken)(); });
  }
  /// Destroys the coroutine that waits.
  void drop() { const Handler dropped = std::exchange(handler_, nullptr); }
  [[nodiscard]] bool is_waited_for() const { return static_cast<bool>(handler_); }

 private:
  SimLoop* loop_ = nullptr;
  Handler handler_;
};

}  // namespace tidelog::sim
