#pragma once

#include "broker/quota/lately_used.h"
#include "broker/quota/quota_window.h"

#include <algorithm>
#include <string_view>

namespace tidelog::broker {

/// How a broker counts, the same on all its shards.
struct QuotaCounting {
  QuotaWindowShape window;
  DigestKey key{};
};

/// What passed lately for each of those whom a quota is counted for. Every shard has one and tells the others what it counts, so that each
/// knows the whole broker's sum, but for what is on its way. Names are known by their digests: a client may call itself by 32 KiB, and by
/// another name with each request.
/// Pure: the time is handed in.  Thread: its shard's loop.
/// Invariant: at most `kMost` windows, and of long ones so many that their samples come to `kMostSampleBytes`. Whoever comes when there is
/// no room takes the place of the one that was quiet for longest, who begins anew when it comes back: to forget somebody takes more names
/// than there is room for, within a window, and each of those has a limit of its own to use up anyway.
class QuotaMeter {
 public:
  using Time = QuotaWindow::Time;
  static constexpr std::size_t kMost = 16 * 1024;
  static constexpr std::size_t kMostSampleBytes = 8 * 1024 * 1024;

  explicit QuotaMeter(const QuotaCounting& counting = {})
      : shape_(counting.window), key_(counting.key), windows_(std::min(kMost, kMostSampleBytes / QuotaWindow::most_bytes(shape_))) {}

  /// Good for all shards of a broker.
  [[nodiscard]] NameDigest who(std::string_view counted_for) const { return digest_of(counted_for, key_); }

  void record(const NameDigest& who, double amount, Time now) { window(who, now).record(amount, now, shape_); }
  /// How long they must wait, after what was recorded.
  Time wait(const NameDigest& who, double limit, Time now) { return window(who, now).wait_for(limit, 0, now, shape_); }
  /// How long they must wait until `amount` may pass, which is not recorded. Zero if nothing passed lately: what is larger than the window
  /// allows would never pass otherwise.
  Time wait_before(const NameDigest& who, double limit, double amount, Time now);

  // The same by name, for one meter alone.
  void record(std::string_view name, double amount, Time now) { record(who(name), amount, now); }
  Time wait(std::string_view name, double limit, Time now) { return wait(who(name), limit, now); }
  Time wait_before(std::string_view name, double limit, double amount, Time now) { return wait_before(who(name), limit, amount, now); }

  [[nodiscard]] const QuotaWindowShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t size() const { return windows_.size(); }
  [[nodiscard]] std::size_t most() const { return windows_.most(); }

 private:
  QuotaWindow& window(const NameDigest& who, Time now);

  QuotaWindowShape shape_;
  DigestKey key_;
  LatelyUsed<QuotaWindow> windows_;
};

}  // namespace tidelog::broker
