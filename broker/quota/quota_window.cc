#include "broker/quota/quota_window.h"

#include <algorithm>

namespace tidelog::broker {

void QuotaWindow::forget_old(Time now, const QuotaWindowShape& shape) {
  while (!samples_.empty() && now - samples_.front().last >= shape.whole()) samples_.pop_front();
}

void QuotaWindow::record(double amount, Time now, const QuotaWindowShape& shape) {
  forget_old(now, shape);
  if (samples_.empty() || now - samples_.back().begin >= shape.size) samples_.push_back({.begin = now, .last = now});
  samples_.back().amount += amount;
  samples_.back().last = now;
}

QuotaWindow::Time QuotaWindow::counted_time(Time now, const QuotaWindowShape& shape) const {
  const Time elapsed = samples_.empty() ? Time::zero() : now - samples_.front().begin;
  const auto full = static_cast<std::size_t>(elapsed / shape.size);
  const std::size_t missing = full + 1 < shape.count ? shape.count - 1 - full : 0;
  return std::max<Time>(elapsed + shape.size * static_cast<std::int64_t>(missing), std::chrono::milliseconds(1));
}

QuotaWindow::Time QuotaWindow::wait_for(double limit_per_second, double extra, Time now, const QuotaWindowShape& shape) {
  forget_old(now, shape);
  double amount = extra;
  for (const Sample& sample : samples_) amount += sample.amount;
  const double seconds = std::chrono::duration<double>(counted_time(now, shape)).count();
  const double rate = amount / seconds;
  if (rate <= limit_per_second) return Time::zero();
  const double wait =
      std::min((rate - limit_per_second) / limit_per_second * seconds, std::chrono::duration<double>(shape.whole()).count());
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(wait));
}

bool QuotaWindow::is_idle(Time now, const QuotaWindowShape& shape) const {
  return samples_.empty() || now - samples_.back().last >= shape.whole();
}

}  // namespace tidelog::broker
