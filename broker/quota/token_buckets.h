#pragma once

#include "broker/quota/quota_window.h"
#include "proto/base/keyed_hash.h"

#include <string>
#include <unordered_map>

namespace tidelog::broker {

/// Quotas of what comes seldom and in lumps, as changes of metadata (KIP-599): tokens come at the limit's rate, up to the burst of the
/// whole window; a change takes as many as it has parts, if need be more than there are. Whoever owes some has to wait until they came.
/// Pure: the time is handed in.  Thread: its shard's loop.
/// Invariant: at most `kMost` buckets; whoever comes when there is no room shares one with all others who did.
class TokenBuckets {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::size_t kMost = 16 * 1024;

  explicit TokenBuckets(QuotaWindowShape shape = {}) : shape_(shape) {}

  /// Takes `count` tokens, whether they are there or not.
  void take(const std::string& counted_for, double limit_per_second, double count, Time now);
  /// How long until nothing is owed any more; at most the whole window.
  [[nodiscard]] Time wait(const std::string& counted_for, double limit_per_second, Time now);

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens = 0;
    Time filled{};  ///< When; a new one is full.
    bool is_new = true;
  };

  Bucket& refill(const std::string& counted_for, double limit, Time now);
  Bucket& find(const std::string& counted_for, Time now);
  [[nodiscard]] double burst(double limit) const { return limit * std::chrono::duration<double>(shape_.whole()).count(); }

  QuotaWindowShape shape_;
  std::unordered_map<std::string, Bucket, KeyedHasher> buckets_;
  Bucket shared_;
  std::size_t look_at_ = 64;  ///< Looks for unused ones when it has so many.
};

}  // namespace tidelog::broker
