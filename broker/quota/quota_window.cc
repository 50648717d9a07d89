#include "broker/quota/quota_window.h"

#include <algorithm>

namespace tidelog::broker {

void QuotaWindow::forget_old(Time now, const QuotaWindowShape& shape) {
  const auto young = std::ranges::find_if(samples_, [&](const Sample& sample) { return now - sample.last < shape.whole(); });
  samples_.erase(samples_.begin(), young);
}

void QuotaWindow::record(double amount, Time now, const QuotaWindowShape& shape) {
  forget_old(now, shape);
  if (samples_.empty() || now - samples_.back().begin >= shape.size) add(now, shape);
  samples_.back().amount += amount;
  samples_.back().last = now;
}

/// Doubles its room as a vector does, but takes no more than there can be samples.
void QuotaWindow::add(Time now, const QuotaWindowShape& shape) {
  if (samples_.size() == samples_.capacity())
    samples_.reserve(std::max(samples_.size() + 1, std::min(2 * samples_.size(), shape.count + 1)));
  samples_.push_back({.begin = now, .last = now});
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
