#pragma once

#include "proto/record/compression.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace tidelog::storage {

/// What a topic's configuration says about compaction; Kafka's keys and defaults.
struct CompactionConfig {
  bool is_on = false;  ///< cleanup.policy has `compact`.
  std::int64_t min_lag_ms = 0;
  std::int64_t max_lag_ms = std::numeric_limits<std::int64_t>::max();
  double min_dirty_ratio = 0.5;
  std::int64_t delete_retention_ms = 24LL * 3600 * 1000;
  std::optional<proto::Codec> codec;  ///< Of batches that are laid out anew; nothing, or none: what they had.
};

/// What a topic's configuration says about its logs; Kafka's keys in snake_case, Kafka's defaults. -1 is "no limit" where noted.
struct LogConfig {
  std::uint32_t segment_bytes = 1U << 30;            ///< At most 2^31 - 1: index positions are 32 bits.
  std::int64_t segment_ms = 7LL * 24 * 3600 * 1000;  ///< By record timestamps, as Kafka does.
  std::uint32_t segment_index_bytes = 10U << 20;     ///< A full index makes the segment roll.
  std::uint32_t index_interval_bytes = 4096;
  std::int64_t retention_ms = 7LL * 24 * 3600 * 1000;  ///< -1: for ever.
  std::int64_t retention_bytes = -1;                   ///< -1: no limit.
  std::uint32_t max_message_bytes = 1048588;           ///< For the caller's validation; the log itself takes any batch.
  std::int64_t producer_id_expiration_ms = 24LL * 3600 * 1000;
  std::uint32_t max_producers = 100'000;  ///< Ours: producer ids remembered per log; the least recently used goes first.
  CompactionConfig compaction;
};

inline constexpr std::uint32_t kMaxSegmentBytes = std::numeric_limits<std::int32_t>::max();

/// What a batch of a compacted log opens to at most, whatever max.message.bytes says. Laid out anew with other timestamps it may grow, and
/// a batch ends at 2^31 - 1.
inline constexpr std::size_t kLargestOpenedBatch = std::size_t{1} << 29;

}  // namespace tidelog::storage
