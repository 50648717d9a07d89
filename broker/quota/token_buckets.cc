#include "broker/quota/token_buckets.h"

#include <algorithm>

namespace tidelog::broker {

/// One that was not used for a whole window is full, as a new one is, unless more was owed than the window gives back.
Verdict TokenBuckets::judge(const Bucket& bucket, Time now) const {
  if (now - bucket.filled < shape_.whole()) return Verdict::keep;
  return bucket.tokens >= 0 ? Verdict::forget : Verdict::pass_over;
}

TokenBuckets::Bucket& TokenBuckets::refill(std::string_view counted_for, double limit, Time now) {
  Bucket& bucket = buckets_.use(digest_of(counted_for, key_), [&](const Bucket& oldest) { return judge(oldest, now); });
  const double came = limit * std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = bucket.is_new ? burst(limit) : std::min(burst(limit), bucket.tokens + came);
  bucket.filled = now;
  bucket.is_new = false;
  return bucket;
}

void TokenBuckets::take(std::string_view counted_for, double limit_per_second, double count, Time now) {
  Bucket& bucket = refill(counted_for, limit_per_second, now);
  bucket.tokens = std::min(burst(limit_per_second), bucket.tokens - count);
}

TokenBuckets::Time TokenBuckets::wait(std::string_view counted_for, double limit_per_second, Time now) {
  const double tokens = refill(counted_for, limit_per_second, now).tokens;
  if (tokens >= 0) return Time::zero();
  const double seconds = std::min(-tokens / limit_per_second, std::chrono::duration<double>(shape_.whole()).count());
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(seconds));
}

}  // namespace tidelog::broker
