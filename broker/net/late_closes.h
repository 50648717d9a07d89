#pragma once

#include "broker/env/env.h"
#include "broker/shard/timers.h"

#include <map>
#include <memory>

namespace tidelog::broker {

/// Connections that are refused and closed a while later, so that whoever dials again at once is slowed down (KIP-612). Nothing is read of
/// them. Thread: one loop. Invariant: at most `kMost`; who comes when there are so many is closed at once, or a flood would keep all
/// descriptors.
class LateCloses {
 public:
  static constexpr std::size_t kMost = 256;

  explicit LateCloses(Timers& timers) : timers_(timers), next_([this] { close_due(); }) {}

  void close_at(SteadyTime when, std::unique_ptr<Accepted> refused) {
    if (held_.size() >= kMost) return;
    held_.emplace(when, std::move(refused));
    timers_.arm(next_, held_.begin()->first);
  }
  [[nodiscard]] std::size_t size() const { return held_.size(); }
  void close_all() {
    next_.cancel();
    held_.clear();
  }

 private:
  /// A timer fires at its tick or later, never before what it was armed for.
  void close_due() {
    const SteadyTime due = held_.begin()->first;
    held_.erase(held_.begin(), held_.upper_bound(due));
    if (!held_.empty()) timers_.arm(next_, held_.begin()->first);
  }

  Timers& timers_;
  Timer next_;
  std::multimap<SteadyTime, std::unique_ptr<Accepted>> held_;
};

}  // namespace tidelog::broker
