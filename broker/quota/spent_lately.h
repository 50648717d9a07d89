#pragma once

#include "broker/quota/lately_used.h"

#include <chrono>
#include <cstddef>

namespace tidelog::broker {

/// How much of something each of many had lately: what was spent counts half as much after every `kHalfLife`.
/// Pure: the time is handed in. Thread: one. Invariant: at most `kMost` are known; whoever is forgotten begins anew.
class SpentLately {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr Time kHalfLife = std::chrono::seconds(10);
  /// Less says nothing about anybody.
  static constexpr Time kNothing = std::chrono::microseconds(100);
  static constexpr std::size_t kMost = 16 * 1024;

  [[nodiscard]] Time of(const NameDigest& who, Time now) { return entry(who, now).at(now); }

  void add(const NameDigest& who, Time amount, Time now) {
    Entry& mine = entry(who, now);
    mine = {.amount = mine.at(now) + amount, .then = now};
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Time amount{};
    Time then{};
    [[nodiscard]] Time at(Time now) const;
  };

  Entry& entry(const NameDigest& who, Time now) {
    return entries_.use(who, [now](const Entry& oldest) { return oldest.at(now) < kNothing ? Verdict::forget : Verdict::keep; });
  }

  LatelyUsed<Entry> entries_{kMost};
};

}  // namespace tidelog::broker
