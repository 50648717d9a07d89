#pragma once

#include "broker/config/topic_config.h"
#include "proto/record/compression.h"
#include "storage/config.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace tidelog::broker {

/// Nothing: batches keep the codec that they came with.
inline std::optional<proto::Codec> codec_of(CompressionType type) {
  switch (type) {
    case CompressionType::uncompressed: return proto::Codec::none;
    case CompressionType::zstd: return proto::Codec::zstd;
    case CompressionType::lz4: return proto::Codec::lz4;
    case CompressionType::snappy: return proto::Codec::snappy;
    case CompressionType::gzip: return proto::Codec::gzip;
    case CompressionType::producer: return std::nullopt;
  }
  return std::nullopt;
}

inline constexpr std::uint32_t kMostCompactedSegmentBytes = 1U << 30;

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
  log.compaction = {.is_on = config.compacts(),
                    .min_lag_ms = config.min_compaction_lag_ms,
                    .max_lag_ms = config.max_compaction_lag_ms,
                    .min_dirty_ratio = config.min_cleanable_dirty_ratio,
                    .delete_retention_ms = config.delete_retention_ms,
                    .codec = codec_of(config.compression_type)};
  if (config.compacts()) {
    // What must be compacted in time has to be sealed in time.
    log.segment_ms = std::min(log.segment_ms, config.max_compaction_lag_ms);
    // What is laid out anew may grow, and still has to fit into one segment.
    log.segment_bytes = std::min(log.segment_bytes, kMostCompactedSegmentBytes);
  }
  return log;
}

/// What a batch of the topic may grow to where it is opened. What compaction could not open is not taken in.
inline std::size_t max_opened_bytes(const TopicConfig& config) {
  const std::size_t most = std::min(proto::decompressed_limit(static_cast<std::size_t>(config.max_message_bytes)),
                                    static_cast<std::size_t>(config.max_decompressed_message_bytes));
  return config.compacts() ? std::min(most, storage::kLargestOpenedBatch) : most;
}

}  // namespace tidelog::broker
