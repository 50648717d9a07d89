#pragma once

#include "tests/attack/caller.h"
#include "tests/attack/dice.h"
#include "tests/attack/habits.h"

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace tidelog::attack {

/// A client that does nothing unusual while others attack: it produces, fetches what it produced and asks for metadata on one connection,
/// now and then of many partitions in one request, and has its habits beside. Every request must succeed within a bound. Thread: `run` on
/// one of its own; the counts from any.
class Bystander {
 public:
  /// Nobody else writes to any of them.
  struct Topics {
    std::string plain = "bystander";
    std::string wide = "bystander-wide";    ///< Of `kWidePartitions`.
    std::string large = "bystander-large";  ///< Empty: it writes no large records.
    std::string times = "bystander-times";
  };
  Bystander(Target target, Topics topics, Milliseconds bound)
      : caller_(target, bound),
        topics_(std::move(topics)),
        large_records_(topics_.large),
        time_lookups_(topics_.times),
        commits_(kGroup, topics_.plain) {}

  static constexpr const char* kGroup = "bystander-group";
  /// So many cost memory for their answer, which small requests do not.
  static constexpr std::int32_t kWidePartitions = 200;

  /// Until it is asked to stop.
  void run(const std::stop_token& stop);
  /// Reads the topic from its beginning and compares: every acknowledged record, in order, once. What is wrong, or nothing.
  std::string verify();

  [[nodiscard]] const Caller& caller() const { return caller_; }
  [[nodiscard]] std::uint64_t records() const { return acknowledged_.load(); }
  /// How often it did all that it does now and then.
  [[nodiscard]] std::uint64_t large_rounds() const { return large_rounds_.load(); }

 private:
  bool act(std::uint64_t round);
  bool produce();
  bool fetch();
  bool metadata();
  bool produce_wide();
  bool fetch_wide();

  Caller caller_;
  Topics topics_;
  LargeRecords large_records_;
  TimeLookups time_lookups_;
  Commits commits_;
  Dice dice_{1};
  std::int64_t next_value_ = 0;
  std::int64_t consumed_ = 0;
  std::int64_t wide_rounds_ = 0;  ///< Records in each partition of the wide topic.
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> large_rounds_ = 0;
};

}  // namespace tidelog::attack
