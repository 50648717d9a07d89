#pragma once

#include "broker/env/env.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mutex>
#include <vector>

namespace tidelog::broker {

/// A loop on an `io_context` of its own, run by one thread.
class PosixLoop final : public Loop {
 public:
  PosixLoop();
  ~PosixLoop() override;

  asio::any_io_executor executor() override { return context_.get_executor(); }
  void post(Job job) override;
  void defer(Job job) override;
  SteadyTime now() const override;
  TimestampMs wall_clock() const override;
  void set_alarm(SteadyTime when) override;
  void on_alarm(Job handler) override { alarm_handler_ = std::move(handler); }

  asio::io_context& context() { return context_; }
  /// Runs until `finish` was called and nothing is left to do.
  void run() { context_.run(); }
  /// Lets `run` return once idle.
  void finish() { work_.reset(); }

 private:
  void drain_mailbox();

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer alarm_;
  Job alarm_handler_;
  SteadyTime alarm_at_{SteadyTime::max()};

  // Other shards leave jobs here; only the first of a burst wakes the loop.
  std::mutex mailbox_mutex_;
  std::vector<Job> mailbox_;
  std::vector<Job> running_;
};

}  // namespace tidelog::broker
