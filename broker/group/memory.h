#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What groups keep, in bytes: estimates of what the allocator gives out for it, that cost nothing to make. They follow what comes and goes,
// so that a coordinator knows at every moment what all of its groups take.

namespace tidelog::broker {

/// A node of a map, set or list beside what it holds: its links, and the allocator's own needs.
inline constexpr std::size_t kNodeBytes = 48;

/// Beside the object itself; short texts lie in it.
inline std::size_t bytes_beside(const std::string& text) {
  constexpr std::size_t kMostInPlace = 15, kAllocation = 24;
  return text.size() <= kMostInPlace ? 0 : text.size() + kAllocation;
}
inline std::size_t bytes_beside(const std::optional<std::string>& text) { return text ? bytes_beside(*text) : 0; }

inline std::size_t bytes_beside(const std::vector<std::string>& texts) {
  std::size_t bytes = texts.size() * sizeof(std::string);
  for (const std::string& text : texts) bytes += bytes_beside(text);
  return bytes;
}

/// What the groups of a broker may still grow by, as one step of a machine sees it, and what it had to refuse. What is stored already is
/// kept however much it is: this is asked only where a client wants more kept than there is. A part is for those who are known, so that a
/// crowd of newcomers does not end the work of groups that are there.
struct GroupRoom {
  std::size_t for_known = std::numeric_limits<std::size_t>::max();      ///< In bytes.
  std::size_t for_newcomers = std::numeric_limits<std::size_t>::max();  ///< The same; not more than `for_known`.
  std::uint64_t refused = 0;                                            ///< How often there was too little.
  std::string_view asked_by;                                            ///< The host of whoever asks.

  /// A member or a group that there is not yet.
  bool admits_newcomer(std::size_t bytes) { return admits(bytes, for_newcomers); }
  /// What is known becomes larger than it was; who wants no more than before may always.
  bool admits_growth(std::size_t before, std::size_t after) { return after <= before || admits(after - before, for_known); }

 private:
  bool admits(std::size_t bytes, std::size_t left) {
    if (bytes > left) {
      ++refused;
      return false;
    }
    for_known -= bytes;
    for_newcomers -= std::min(bytes, for_newcomers);
    return true;
  }
};

}  // namespace tidelog::broker
