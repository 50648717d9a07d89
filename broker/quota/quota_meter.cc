#include "broker/quota/quota_meter.h"

namespace tidelog::broker {

QuotaMeter::Time QuotaMeter::wait_before(const NameDigest& who, double limit, double amount, Time now) {
  QuotaWindow& passed = window(who, now);
  return passed.is_idle(now, shape_) ? Time::zero() : passed.wait_for(limit, amount, now, shape_);
}

QuotaWindow& QuotaMeter::window(const NameDigest& who, Time now) {
  return windows_.use(who, [&](const QuotaWindow& window) { return window.is_idle(now, shape_) ? Verdict::forget : Verdict::keep; });
}

}  // namespace tidelog::broker
