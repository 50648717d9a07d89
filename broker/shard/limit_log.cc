#include "broker/shard/limit_log.h"

#include <fmt/format.h>

namespace tidelog::broker {

std::string_view name(Limit limit) {
  switch (limit) {
    case Limit::max_connections: return "max.connections";
    case Limit::max_connections_per_ip: return "max.connections.per.ip";
    case Limit::max_connection_creation_rate: return "max.connection.creation.rate";
    case Limit::file_descriptors: return "file descriptors";
    case Limit::connections_max_idle: return "connections.max.idle.ms";
    case Limit::request_frame_timeout: return "request.frame.timeout.ms";
    case Limit::response_write_timeout: return "response.write.timeout.ms";
    case Limit::socket_request_max_bytes: return "socket.request.max.bytes";
    case Limit::queued_max_request_bytes: return "queued.max.request.bytes";
    case Limit::response_memory_bytes: return "response.memory.bytes";
    case Limit::group_memory_bytes: return "group.memory.bytes";
    case Limit::group_records: return "records of a group";
    case Limit::max_request_elements: return "max.request.elements";
    case Limit::max_inflight_requests: return "max.inflight.requests.per.connection";
    case Limit::message_max_bytes: return "message.max.bytes";
    case Limit::decompressed_bytes: return "max.decompressed.message.bytes";
    case Limit::one_request: return "size of one request";
    case Limit::fetch_session_slots: return "max.incremental.fetch.session.cache.slots";
    case Limit::configured_resources: return "configs of groups and subscriptions";
    case Limit::unknown_config_keys: return "unknown broker configs";
    case Limit::client_quota: return "client quota";
    case Limit::ip_quota: return "ip quota";
    case Limit::quotas_kept: return "quotas kept";
    case Limit::malformed_request: return "malformed request";
  }
  return "unknown limit";
}

void LimitLog::write(Limit limit, std::string_view message, std::uint64_t so_far) {
  write_log(LogLevel::warn, fmt::format("{}: {} ({} so far)", name(limit), message, so_far));
}

std::string describe(const LimitCounts& counts) {
  std::string text;
  for (std::size_t i = 0; i < kLimits; ++i) {
    if (counts[i] == 0) continue;
    fmt::format_to(std::back_inserter(text), "{}{} {}", text.empty() ? "" : ", ", name(static_cast<Limit>(i)), counts[i]);
  }
  return text;
}

}  // namespace tidelog::broker
