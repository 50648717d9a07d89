#pragma once

#include "proto/base/types.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// For people to read: cut between characters, nothing in it that would steer a terminal. Clients choose names and reasons.
std::string legible(std::string_view text, std::size_t most);

/// Of a member's name in an event.
inline constexpr std::size_t kMostNameBytes = 60;

inline std::string named_member(std::string_view id) { return "member " + legible(id, kMostNameBytes); }

/// "1 member", "2 members".
inline std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

/// Why a group rebalanced, for people: the last events, oldest first. Kept in memory only, of bounded size: a coordinator that takes the
/// group over begins anew.
class GroupHistory {
 public:
  static constexpr std::size_t kMostEvents = 32;
  static constexpr std::size_t kMostBytes = 200;  ///< Of one event.

  struct Event {
    TimestampMs at{0};            ///< If it happened several times: the last of them.
    std::int32_t generation = 0;  ///< Or group epoch: the one it led to, else the one it happened in.
    std::string what;
    std::uint32_t times = 1;
  };

  /// What happens again right away is counted: a member that is refused in a loop must not push out what went before.
  void add(Event event);
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] std::size_t bytes() const { return events_.capacity() * sizeof(Event) + text_bytes_; }

 private:
  std::vector<Event> events_;  // Nothing while there are none: most groups of a coordinator are idle.
  std::size_t text_bytes_ = 0;
};

/// An event in one sentence.
std::string sentence(const GroupHistory::Event& event);

}  // namespace tidelog::broker
