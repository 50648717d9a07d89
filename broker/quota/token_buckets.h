#pragma once

#include "broker/quota/quota_meter.h"

#include <string_view>

namespace tidelog::broker {

/// Quotas of what comes seldom and in lumps, as changes of metadata (KIP-599): tokens come at the limit's rate, up to the burst of the
/// whole window; a change takes as many as it has parts, if need be more than there are. Whoever owes some has to wait until they came.
/// Pure: the time is handed in.  Thread: its shard's loop.
/// Invariant: at most `kMost` buckets; whoever comes when there is no room takes that of the one who asked for nothing for longest.
class TokenBuckets {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::size_t kMost = 16 * 1024;

  explicit TokenBuckets(const QuotaCounting& counting = {}) : shape_(counting.window), key_(counting.key), buckets_(kMost) {}

  /// Takes `count` tokens, whether they are there or not.
  void take(std::string_view counted_for, double limit_per_second, double count, Time now);
  /// How long until nothing is owed any more; at most the whole window.
  [[nodiscard]] Time wait(std::string_view counted_for, double limit_per_second, Time now);

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    Time filled{};  ///< When; a new one is full.
    bool is_new = true;
  };

  Bucket& refill(std::string_view counted_for, double limit, Time now);
  [[nodiscard]] Verdict judge(const Bucket& bucket, Time now) const;
  [[nodiscard]] double burst(double limit) const { return limit * std::chrono::duration<double>(shape_.whole()).count(); }

  QuotaWindowShape shape_;
  DigestKey key_;
  LatelyUsed<Bucket> buckets_;
};

}  // namespace tidelog::broker
