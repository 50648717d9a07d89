#include "broker/quota/token_buckets.h"

#include <algorithm>

namespace tidelog::broker {

TokenBuckets::Bucket& TokenBuckets::find(const std::string& counted_for, Time now) {
  const auto found = buckets_.find(counted_for);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= look_at_) {
    // One that was not used for a whole window is full, unless more was owed than the window gives back; as a new one is.
    std::erase_if(buckets_, [&](const auto& entry) { return entry.second.tokens >= 0 && now - entry.second.filled >= shape_.whole(); });
    look_at_ = std::clamp<std::size_t>(2 * buckets_.size(), 64, kMost);
  }
  return buckets_.size() < kMost ? buckets_[counted_for] : shared_;
}

TokenBuckets::Bucket& TokenBuckets::refill(const std::string& counted_for, double limit, Time now) {
  Bucket& bucket = find(counted_for, now);
  const double came = limit * std::chrono::duration<double>(now - bucket.filled).count();
  bucket.tokens = bucket.is_new ? burst(limit) : std::min(burst(limit), bucket.tokens + came);
  bucket.filled = now;
  bucket.is_new = false;
  return bucket;
}

void TokenBuckets::take(const std::string& counted_for, double limit_per_second, double count, Time now) {
  Bucket& bucket = refill(counted_for, limit_per_second, now);
  bucket.tokens = std::min(burst(limit_per_second), bucket.tokens - count);
}

TokenBuckets::Time TokenBuckets::wait(const std::string& counted_for, double limit_per_second, Time now) {
  const double tokens = refill(counted_for, limit_per_second, now).tokens;
  if (tokens >= 0) return Time::zero();
  const double seconds = std::min(-tokens / limit_per_second, std::chrono::duration<double>(shape_.whole()).count());
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(seconds));
}

}  // namespace tidelog::broker
