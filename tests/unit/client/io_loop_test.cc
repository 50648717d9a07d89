#include "client/net/io_loop.h"

#include <gtest/gtest.h>

#include <future>

namespace tidelog::core {
namespace {

// A timer is a mistake of somebody's then; that nothing else ever runs, not even what would end it, would be one of the loop's.
TEST(IoLoop, ATimerThatArmsItselfForThePastLeavesTheLoopToOthers) {
  std::atomic<bool> is_over = false;
  std::promise<void> ran;
  std::function<void()> again;
  IoLoop loop;  // Ends first, and with it whatever calls the others.
  again = [&] {
    if (!is_over) loop.call_at(Clock::now() - std::chrono::seconds(1), [&] { again(); });
  };
  loop.run_and_wait([&] { again(); });

  loop.post([&] { ran.set_value(); });
  const std::future_status status = ran.get_future().wait_for(std::chrono::seconds(10));
  is_over = true;

  EXPECT_EQ(status, std::future_status::ready);
}

}  // namespace
}  // namespace tidelog::core
