#pragma once

#include "tests/attack/caller.h"
#include "tests/attack/dice.h"

#include <cstdint>
#include <string>

namespace tidelog::attack {

// What a bystander does now and then beside its records, each in a topic or group of its own. False: it has complained.

/// Writes a batch of up to a megabyte that nothing compresses, and reads it back.
class LargeRecords {
 public:
  explicit LargeRecords(std::string topic) : topic_(std::move(topic)) {}
  bool once(Caller& caller, Dice& dice);

 private:
  std::string topic_;
  std::int64_t next_offset_ = 0;
};

/// Writes a record of a later time than those before, and looks for one of them by its time.
class TimeLookups {
 public:
  explicit TimeLookups(std::string topic) : topic_(std::move(topic)) {}
  bool once(Caller& caller, Dice& dice);

 private:
  bool look_for(Caller& caller, std::int64_t offset);

  std::string topic_;
  std::int64_t next_offset_ = 0;
};

/// Commits an offset to a group that has no members, and asks for it.
class Commits {
 public:
  /// Any topic that is there.
  Commits(std::string group, std::string topic) : group_(std::move(group)), topic_(std::move(topic)) {}
  bool once(Caller& caller);

 private:
  bool commit(Caller& caller);
  bool expect_committed(Caller& caller);

  std::string group_;
  std::string topic_;
  std::int64_t committed_ = 0;
};

}  // namespace tidelog::attack
