#pragma once

#include "broker/quota/lately_used.h"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>

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

  /// The more somebody had, the greater. Everybody's is forgotten at the same pace, so two scores compare alike at any time, and one
  /// changes only when its owner spends: it is the amount's logarithm, as if all of it had been spent at the beginning of time and grown
  /// since.
  using Score = double;
  static constexpr Score kOfNothing = -std::numeric_limits<Score>::infinity();

  [[nodiscard]] Score score(const NameDigest& who, Time now) { return entry(who, now).score; }
  [[nodiscard]] Time of(const NameDigest& who, Time now) { return entry(who, now).at(now); }

  /// Its new score.
  Score add(const NameDigest& who, Time amount, Time now) {
    Entry& mine = entry(who, now);
    mine.score = std::log2(static_cast<double>((mine.at(now) + amount).count())) + half_lives(now);
    return mine.score;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static double half_lives(Time time) { return std::chrono::duration<double>(time) / std::chrono::duration<double>(kHalfLife); }

  struct Entry {
    Score score = kOfNothing;
    [[nodiscard]] Time at(Time now) const { return Time(std::llround(std::exp2(score - half_lives(now)))); }
  };

  Entry& entry(const NameDigest& who, Time now) {
    return entries_.use(who, [now](const Entry& oldest) { return oldest.at(now) < kNothing ? Verdict::forget : Verdict::keep; });
  }

  LatelyUsed<Entry> entries_{kMost};
};

}  // namespace tidelog::broker
