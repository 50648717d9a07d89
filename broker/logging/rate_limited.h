#pragma once

#include "broker/logging/log.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace tidelog::broker {

/// Lets one line of each reason through per second, so that a client in a loop cannot fill the disk with our log.
/// Life: reasons are string literals; they are kept as views.  Thread: one owner, for example one per shard.
class RateLimited {
 public:
  using SteadyTime = std::chrono::nanoseconds;

  /// How many lines of this reason were held back since the last one that passed; nothing if this one is held back too.
  std::optional<std::uint64_t> admit(std::string_view reason, SteadyTime now);

  template <class... Args>
  void warn(SteadyTime now, std::string_view reason, fmt::format_string<Args...> format, Args&&... args) {
    if (!logs(LogLevel::warn)) return;
    const std::optional<std::uint64_t> held_back = admit(reason, now);
    if (held_back) write(reason, fmt::format(format, std::forward<Args>(args)...), *held_back);
  }

 private:
  struct State {
    SteadyTime last{};
    std::uint64_t held_back = 0;
  };
  static void write(std::string_view reason, std::string_view message, std::uint64_t held_back);

  std::map<std::string_view, State> reasons_;
};

}  // namespace tidelog::broker
