#include "broker/logging/rate_limited.h"

#include <fmt/format.h>

#include <utility>

namespace tidelog::broker {
namespace {

constexpr std::chrono::nanoseconds kInterval = std::chrono::seconds(1);

}  // namespace

std::optional<std::uint64_t> RateLimited::admit(std::string_view reason, SteadyTime now) {
  const auto [place, first] = reasons_.try_emplace(reason, State{.last = now});
  State& state = place->second;
  if (!first && now - state.last < kInterval) {
    ++state.held_back;
    return std::nullopt;
  }
  state.last = now;
  return std::exchange(state.held_back, 0);
}

void RateLimited::write(std::string_view reason, std::string_view message, std::uint64_t held_back) {
  if (held_back == 0) return write_log(LogLevel::warn, fmt::format("{}: {}", reason, message));
  write_log(LogLevel::warn, fmt::format("{}: {} ({} more like it before)", reason, message, held_back));
}

}  // namespace tidelog::broker
