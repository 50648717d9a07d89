#pragma once

#include "storage/config.h"
#include "storage/log/segment_index.h"

namespace tidelog::storage {

/// Whether a segment is past retention.ms. One without timestamps never is.
inline bool is_expired(TimestampMs newest, const LogConfig& config, TimestampMs now) {
  return config.retention_ms >= 0 && newest.value >= 0 && now - newest > config.retention_ms;
}

/// Whether the oldest segment goes by retention.bytes: only if what is left still has as many.
inline bool is_surplus(std::uint64_t segment_bytes, std::uint64_t total_bytes, const LogConfig& config) {
  return config.retention_bytes >= 0 && total_bytes - segment_bytes >= static_cast<std::uint64_t>(config.retention_bytes);
}

}  // namespace tidelog::storage
