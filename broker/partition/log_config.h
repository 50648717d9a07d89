#pragma once

#include "broker/config/topic_config.h"
#include "proto/record/compression.h"
#include "storage/config.h"

#include <algorithm>

namespace tidelog::broker {

/// What a topic's settings mean to the log below it.
inline storage::LogConfig to_log_config(const TopicConfig& config, const BrokerOptions& options) {
  storage::LogConfig log;
  log.segment_bytes = static_cast<std::uint32_t>(config.segment_bytes);
  log.segment_ms = config.segment_ms;
  log.segment_index_bytes = static_cast<std::uint32_t>(config.segment_index_bytes);
  log.index_interval_bytes = static_cast<std::uint32_t>(config.index_interval_bytes);
  // Only cleanup.policy=delete lets retention remove anything.
  log.retention_ms = config.deletes() ? config.retention_ms : -1;
  log.retention_bytes = config.deletes() ? config.retention_bytes : -1;
  log.max_message_bytes = static_cast<std::uint32_t>(config.max_message_bytes);
  log.producer_id_expiration_ms = options.producer_id_expiration_ms;
  return log;
}

/// What a batch of the topic may grow to where it is opened.
inline std::size_t max_opened_bytes(const TopicConfig& config) {
  return std::min(proto::decompressed_limit(static_cast<std::size_t>(config.max_message_bytes)),
                  static_cast<std::size_t>(config.max_decompressed_message_bytes));
}

}  // namespace tidelog::broker
