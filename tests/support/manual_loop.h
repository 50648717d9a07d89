#pragma once

#include "broker/env/env.h"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <utility>

namespace tidelog::broker {

/// A loop whose clock a test moves by hand; jobs run when the test says so.
class ManualLoop final : public Loop {
 public:
  asio::any_io_executor executor() override { return context_.get_executor(); }
  void post(Job job) override { jobs_.push_back(std::move(job)); }
  void defer(Job job) override { jobs_.push_back(std::move(job)); }
  SteadyTime now() const override { return now_ += per_look_; }
  TimestampMs wall_clock() const override { return {std::chrono::duration_cast<std::chrono::milliseconds>(now_).count()}; }
  void set_alarm(SteadyTime when) override { alarm_ = when; }
  void on_alarm(Job handler) override { handler_ = std::move(handler); }

  /// Every look at the clock finds it so much later: work that takes time.
  void let_looking_take(SteadyTime time) { per_look_ = time; }

  /// Runs everything that is ready, and what that makes ready.
  void run_ready() {
    for (bool is_idle = false; !is_idle;) {
      context_.restart();
      is_idle = context_.poll() == 0 && jobs_.empty();
      for (std::deque<Job> ready = std::exchange(jobs_, {}); !ready.empty(); ready.pop_front()) ready.front()();
    }
  }

  /// Moves the clock, stopping at each alarm on the way.
  void advance(SteadyTime by) {
    const SteadyTime end = now_ + by;
    while (alarm_ <= end) {
      now_ = std::max(now_, std::exchange(alarm_, SteadyTime::max()));
      handler_();
      run_ready();
    }
    now_ = end;
  }

 private:
  asio::io_context context_;
  std::deque<Job> jobs_;
  Job handler_;
  mutable SteadyTime now_{std::chrono::seconds(1)};
  SteadyTime per_look_{};
  SteadyTime alarm_{SteadyTime::max()};
};

}  // namespace tidelog::broker
