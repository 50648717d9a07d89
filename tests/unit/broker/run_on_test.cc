#include "broker/shard/run_on.h"

#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace tidelog::broker {
namespace {

asio::awaitable<void> fail_later(Signal& when) {
  co_await when.wait();
  throw std::runtime_error("from there");
}

asio::awaitable<void> hear_of_a_coroutine(ManualLoop& there, ManualLoop& here, Signal& when, std::string& heard) {
  try {
    co_await await_on(there, here, fail_later(when));
    heard = "it went well";
  } catch (const std::exception& error) {
    heard = error.what();
  }
}

asio::awaitable<void> hear_of_a_function(ManualLoop& there, ManualLoop& here, std::string& heard) {
  Job fail = [] { throw std::runtime_error("from there"); };
  try {
    co_await run_on(there, here, std::move(fail));
    heard = "it went well";
  } catch (const std::exception& error) {
    heard = error.what();
  }
}

TEST(AwaitOn, BringsAnErrorOfAnotherLoopToItsCaller) {
  ManualLoop here, there;
  Signal when(there.executor());
  std::string heard;
  asio::co_spawn(here.executor(), hear_of_a_coroutine(there, here, when, heard), asio::detached);
  here.run_ready();
  there.run_ready();

  when.notify();
  there.run_ready();
  const std::string before_it_is_back = heard;
  here.run_ready();

  EXPECT_EQ(before_it_is_back, "");
  EXPECT_EQ(heard, "from there");
}

TEST(AwaitOn, BringsAnErrorOfItsOwnLoopToItsCaller) {
  ManualLoop here;
  Signal when(here.executor());
  std::string heard;
  asio::co_spawn(here.executor(), hear_of_a_coroutine(here, here, when, heard), asio::detached);
  here.run_ready();

  when.notify();
  here.run_ready();

  EXPECT_EQ(heard, "from there");
}

TEST(RunOn, BringsAnErrorOfAnotherLoopToItsCaller) {
  ManualLoop here, there;
  std::string heard;
  asio::co_spawn(here.executor(), hear_of_a_function(there, here, heard), asio::detached);
  here.run_ready();

  there.run_ready();
  here.run_ready();

  EXPECT_EQ(heard, "from there");
}

}  // namespace
}  // namespace tidelog::broker
