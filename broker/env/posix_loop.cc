#include "broker/env/posix_loop.h"

#include <boost/asio/post.hpp>

namespace tidelog::broker {

PosixLoop::PosixLoop() : work_(asio::make_work_guard(context_)), alarm_(context_) {}

PosixLoop::~PosixLoop() = default;

void PosixLoop::post(Job job) {
  bool first = false;
  {
    const std::scoped_lock lock(mailbox_mutex_);
    first = mailbox_.empty();
    mailbox_.push_back(std::move(job));
  }
  if (first) asio::post(context_, [this] { drain_mailbox(); });
}

void PosixLoop::drain_mailbox() {
  {
    const std::scoped_lock lock(mailbox_mutex_);
    running_.swap(mailbox_);
  }
  for (Job& job : running_) job();
  running_.clear();
}

void PosixLoop::defer(Job job) { asio::post(context_, std::move(job)); }

SteadyTime PosixLoop::now() const { return std::chrono::steady_clock::now().time_since_epoch(); }

TimestampMs PosixLoop::wall_clock() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count()};
}

void PosixLoop::set_alarm(SteadyTime when) {
  if (when == alarm_at_) return;
  alarm_at_ = when;
  alarm_.expires_at(std::chrono::steady_clock::time_point(when));
  alarm_.async_wait([this, when](const boost::system::error_code& error) {
    if (error || when != alarm_at_) return;  // Replaced by a later call.
    alarm_at_ = SteadyTime::max();
    if (alarm_handler_) alarm_handler_();
  });
}

}  // namespace tidelog::broker
