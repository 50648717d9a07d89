#pragma once

#include "storage/log/identity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::storage {

/// Where a log is cut back to: all from `offset` on goes. What stays ends at `position` of the segment with base `segment`, the one before
/// `offset`; `segment` is `offset`: no segment begins below, nothing stays.
///
/// What is appended afterwards goes into a new segment. Were it written over what was cut, a crash before the cut is on disk could leave a
/// file that reads, checksums and all, new batches and behind them old ones.
///
/// Files, each step durable before the next, once all of the log is synced and nothing on disk would bring back what goes (`Log`):
///   OFFSET-SEGMENT-POSITION.truncation  made, empty; from here on the truncation is carried out, by whoever opens the log if need be
///   segments behind OFFSET              renamed to .deleted, the last first; their indexes and snapshots above OFFSET removed
///   SEGMENT.log                         cut at POSITION, its indexes removed; damaged ranges and cleaner checkpoint forget what went
///   OFFSET.log                          the empty file renamed to, over a segment of that name
///   *.log.deleted                       removed
/// Every step may be repeated. Before the first the log reads as before, from then on as after.
struct TruncationName {
  Offset offset;
  Offset segment;
  std::uint64_t position = 0;
  bool operator==(const TruncationName&) const = default;
};

inline constexpr std::string_view kTruncationSuffix = ".truncation";

std::string truncation_file(const std::string& directory, const TruncationName& cut);
/// The cut if `name` is that of such a file.
std::optional<TruncationName> parse_truncation_file(std::string_view name);

/// How carrying it out ended.
enum class TruncationEnd : std::uint8_t {
  done,
  again,        ///< The file system refused something; calling it again goes on.
  sync_failed,  ///< What the disk holds cannot be known: the log must go offline, and syncs are not repeated.
};

/// Carries out a truncation, from wherever it was left. Blocks.
TruncationEnd carry_out_truncation(const LogPlace& place, const TruncationName& cut);

}  // namespace tidelog::storage
