#pragma once

#include "broker/logging/rate_limited.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tidelog::broker {

/// What a peer can run into. Each is named by the option that sets it, where one does; docs/limits.md says what happens at each.
enum class Limit : std::uint8_t {
  max_connections,
  max_connections_per_ip,
  max_connection_creation_rate,
  file_descriptors,
  connections_max_idle,
  request_frame_timeout,
  response_write_timeout,
  socket_request_max_bytes,
  queued_max_request_bytes,
  response_memory_bytes,
  group_memory_bytes,
  group_records,
  max_request_elements,
  max_inflight_requests,
  message_max_bytes,
  decompressed_bytes,
  one_request,
  fetch_session_slots,
  configured_resources,
  unknown_config_keys,
  client_quota,
  ip_quota,
  quotas_kept,
  malformed_request,
};

inline constexpr std::size_t kLimits = static_cast<std::size_t>(Limit::malformed_request) + 1;

/// As it stands in the log and in docs/limits.md.
std::string_view name(Limit limit);

using LimitCounts = std::array<std::uint64_t, kLimits>;

/// Counts each time a limit bites, and writes one line a second of each at most, so that nobody can fill the disk with our log.
/// Life: one per shard; whoever reports adds them up.  Thread: its shard's loop.
class LimitLog {
 public:
  using SteadyTime = RateLimited::SteadyTime;

  /// The line says which limit it was, what happened to whom, and how often so far.
  template <class... Args>
  void hit(Limit limit, SteadyTime now, fmt::format_string<Args...> format, Args&&... args) {
    const std::uint64_t so_far = ++counts_[static_cast<std::size_t>(limit)];
    if (!logs(LogLevel::warn) || !lines_.admit(name(limit), now)) return;
    write(limit, fmt::format(format, std::forward<Args>(args)...), so_far);
  }

  [[nodiscard]] std::uint64_t count(Limit limit) const { return counts_[static_cast<std::size_t>(limit)]; }
  [[nodiscard]] const LimitCounts& counts() const { return counts_; }

 private:
  static void write(Limit limit, std::string_view message, std::uint64_t so_far);

  LimitCounts counts_{};
  RateLimited lines_;
};

/// "max.connections 12, malformed request 3": those that bit; empty if none ever did.
std::string describe(const LimitCounts& counts);

}  // namespace tidelog::broker
