#pragma once

#include "broker/quota/quota_window.h"
#include "proto/base/keyed_hash.h"

#include <string>
#include <unordered_map>

namespace tidelog::broker {

/// What passed lately for each of those whom a quota is counted for. Every shard has one and tells the others what it counts, so that each
/// knows the whole broker's sum, but for what is on its way.
/// Pure: the time is handed in.  Thread: its shard's loop.
/// Invariant: at most `kMost` windows; whoever comes when there is no room shares one with all others who did.
class QuotaMeter {
 public:
  using Time = QuotaWindow::Time;
  static constexpr std::size_t kMost = 16 * 1024;

  explicit QuotaMeter(QuotaWindowShape shape = {}) : shape_(shape) {}

  void record(const std::string& counted_for, double amount, Time now) { window(counted_for, now).record(amount, now, shape_); }
  /// How long they must wait, after what was recorded.
  Time wait(const std::string& counted_for, double limit, Time now) { return window(counted_for, now).wait_for(limit, 0, now, shape_); }
  /// How long they must wait until `amount` may pass, which is not recorded. Zero if nothing passed lately: what is larger than the window
  /// allows would never pass otherwise.
  Time wait_before(const std::string& counted_for, double limit, double amount, Time now);

  [[nodiscard]] const QuotaWindowShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t size() const { return windows_.size(); }

 private:
  QuotaWindow& window(const std::string& counted_for, Time now);
  void forget_idle(Time now);

  QuotaWindowShape shape_;
  std::unordered_map<std::string, QuotaWindow, KeyedHasher> windows_;
  QuotaWindow shared_;
  std::size_t look_at_ = 64;  ///< Looks for idle ones when it has so many.
};

}  // namespace tidelog::broker
