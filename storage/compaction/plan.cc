#include "storage/compaction/plan.h"

#include <algorithm>
#include <limits>

namespace tidelog::storage {
namespace {

/// How long ago `then` was; 0 for no time at all, and for the future.
std::int64_t age_ms(TimestampMs then, TimestampMs now) { return then.value < 0 ? 0 : std::max<std::int64_t>(0, now - then); }

/// How many of the segments, from the front, may be cleaned by min.compaction.lag.ms.
std::size_t count_old_enough(const LogFacts& log, Offset dirty_from, const CompactionConfig& config, TimestampMs now) {
  std::size_t count = 0;
  for (const SegmentFacts& segment : log.segments) {
    const bool is_dirty = segment.end > dirty_from;
    const bool is_too_young = config.min_lag_ms > 0 && segment.newest.value >= 0 && now - segment.newest < config.min_lag_ms;
    if (is_dirty && is_too_young) break;
    ++count;
  }
  return count;
}

}  // namespace

std::string_view name(CleaningReason reason) {
  switch (reason) {
    case CleaningReason::dirty_ratio: return "min.cleanable.dirty.ratio";
    case CleaningReason::max_lag: return "max.compaction.lag.ms";
    case CleaningReason::horizon: return "delete.retention.ms";
  }
  return "";
}

std::optional<CleaningPlan> plan_cleaning(const LogFacts& log, const CompactionConfig& config, TimestampMs now) {
  if (!config.is_on || log.segments.empty()) return std::nullopt;
  CleaningPlan plan;
  plan.log_start = log.log_start;
  plan.before = log.cleaned;
  plan.dirty_from = std::clamp(log.cleaned.offset, std::max(log.log_start, log.segments.front().base), log.segments.back().end);
  const std::size_t count = count_old_enough(log, plan.dirty_from, config, now);
  if (count == 0) return std::nullopt;
  plan.segments.assign(log.segments.begin(), log.segments.begin() + static_cast<std::ptrdiff_t>(count));
  plan.dirty_end = std::max(plan.segments.back().end, plan.dirty_from);

  std::uint64_t total_bytes = 0;
  std::uint64_t dirty_bytes = 0;
  bool waits_too_long = false;
  for (const SegmentFacts& segment : plan.segments) {
    total_bytes += segment.size_bytes;
    if (segment.end <= plan.dirty_from) continue;
    dirty_bytes += segment.size_bytes;
    waits_too_long = waits_too_long || age_ms(segment.first, now) > config.max_lag_ms;
  }
  if (total_bytes > 0) plan.dirty_ratio = static_cast<double>(dirty_bytes) / static_cast<double>(total_bytes);
  const bool is_due = log.cleaned.earliest_horizon.value >= 0 && log.cleaned.earliest_horizon <= now;
  if (dirty_bytes > 0 && waits_too_long) {
    plan.reason = CleaningReason::max_lag;
  } else if (dirty_bytes > 0 && plan.dirty_ratio > config.min_dirty_ratio) {
    plan.reason = CleaningReason::dirty_ratio;
  } else if (is_due) {
    plan.reason = CleaningReason::horizon;
  } else {
    return std::nullopt;
  }
  return plan;
}

bool joins_segment(const SegmentFacts& next, Offset base, std::uint64_t written_bytes, std::uint64_t most_bytes) {
  return written_bytes + next.size_bytes <= most_bytes && next.end - base <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace tidelog::storage
