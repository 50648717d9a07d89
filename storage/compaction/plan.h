#pragma once

#include "proto/base/types.h"
#include "storage/config.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tidelog::storage {

/// A sealed segment as compaction sees it.
struct SegmentFacts {
  Offset base;
  Offset end;  ///< Where the next one begins.
  std::uint64_t size_bytes = 0;
  TimestampMs first{-1};               ///< Timestamp of its first batch; -1: unknown or none.
  TimestampMs newest{-1};              ///< Its greatest timestamp.
  std::uint32_t truncations_made = 0;  ///< Of the log when this was so: one more, and it may be another segment.
  bool operator==(const SegmentFacts&) const = default;
};

/// How far a log was cleaned.
struct CleanedUpTo {
  Offset offset{0};                  ///< Below it no key stands twice, as far as its records were not protected.
  TimestampMs earliest_horizon{-1};  ///< When the first tombstone or marker below it may go; -1: there is none.
  bool operator==(const CleanedUpTo&) const = default;
};

/// What decides whether a log is cleaned.
struct LogFacts {
  /// Those that may be rewritten, in order and contiguous, from the one that holds the log start: sealed, durable, committed.
  std::vector<SegmentFacts> segments;
  Offset log_start{0};
  CleanedUpTo cleaned;
};

enum class CleaningReason : std::uint8_t { dirty_ratio, max_lag, horizon };
std::string_view name(CleaningReason reason);

/// Records of `[dirty_from, dirty_end)` make those of `[segments.front().base, dirty_end)` go that have the same key and are older.
struct CleaningPlan {
  std::vector<SegmentFacts> segments;  ///< Up to the one that holds the last record below `dirty_end`.
  Offset log_start{0};
  CleanedUpTo before;
  Offset dirty_from;
  Offset dirty_end;
  CleaningReason reason = CleaningReason::dirty_ratio;
  double dirty_ratio = 0;
};

/// What to clean now, by Kafka's rules: the uncompacted share of the bytes is above min.cleanable.dirty.ratio, or a record waits for longer
/// than max.compaction.lag.ms. Segments with a record younger than min.compaction.lag.ms stay as they are, and so do all behind them.
/// Ours: a log is also cleaned when a tombstone in it is due to go, dirty or not.
std::optional<CleaningPlan> plan_cleaning(const LogFacts& log, const CompactionConfig& config, TimestampMs now);

/// Whether `next` becomes part of the segment that begins at `base` and has `written_bytes` so far: as long as it surely fits into
/// `most_bytes` and 2^31 offsets. Judged by what was left of those before, so that no chain of nearly empty segments is made: some clients
/// take answer after answer without a record for a message that is too large.
bool joins_segment(const SegmentFacts& next, Offset base, std::uint64_t written_bytes, std::uint64_t most_bytes);

}  // namespace tidelog::storage
