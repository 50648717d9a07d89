#pragma once

#include "proto/base/types.h"

#include <deque>
#include <string>

namespace tidelog::broker {

/// Why a group rebalanced, for people: the last events, oldest first. Kept in memory only, of bounded size.
class GroupHistory {
 public:
  static constexpr std::size_t kMostEvents = 32;
  static constexpr std::size_t kMostBytes = 200;  ///< Of one event; clients choose names and reasons.

  struct Event {
    TimestampMs at{0};
    std::int32_t generation = 0;  ///< Or group epoch, when it happened.
    std::string what;
  };

  void add(Event event) {
    if (event.what.size() > kMostBytes) event.what.resize(kMostBytes);
    if (events_.size() == kMostEvents) events_.pop_front();
    events_.push_back(std::move(event));
  }
  [[nodiscard]] const std::deque<Event>& events() const { return events_; }

 private:
  std::deque<Event> events_;
};

}  // namespace tidelog::broker
