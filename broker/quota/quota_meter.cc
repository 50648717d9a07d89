#include "broker/quota/quota_meter.h"

#include <algorithm>

namespace tidelog::broker {

QuotaMeter::Time QuotaMeter::wait_before(const std::string& counted_for, double limit, double amount, Time now) {
  QuotaWindow& passed = window(counted_for, now);
  return passed.is_idle(now, shape_) ? Time::zero() : passed.wait_for(limit, amount, now, shape_);
}

QuotaWindow& QuotaMeter::window(const std::string& counted_for, Time now) {
  const auto found = windows_.find(counted_for);
  if (found != windows_.end()) return found->second;
  if (windows_.size() >= look_at_) forget_idle(now);
  return windows_.size() < kMost ? windows_[counted_for] : shared_;
}

/// Seldom enough that each newcomer pays for looking at two.
void QuotaMeter::forget_idle(Time now) {
  std::erase_if(windows_, [&](const auto& entry) { return entry.second.is_idle(now, shape_); });
  look_at_ = std::clamp<std::size_t>(2 * windows_.size(), 64, kMost);
}

}  // namespace tidelog::broker
