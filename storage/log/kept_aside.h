#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/identity.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::storage {

/// What recovery takes out of a segment stays beside it for a day, for whoever wants to look: `<segment>.log.<position>-<time>.cut`.
/// Nothing ever reads it.
struct KeptAside {
  Offset segment_base;
  std::uint64_t position = 0;  ///< Where it stood in its segment.
  TimestampMs since;
  bool operator==(const KeptAside&) const = default;
};

std::string kept_aside_path(const std::string& directory, const KeptAside& what);
/// Nothing if `name` is not such a file's.
std::optional<KeptAside> parse_kept_aside(std::string_view name);
/// Whether its day is over.
bool is_past_keeping(const KeptAside& what, TimestampMs now);

/// Copies `size_bytes` from `what.position` on out of `from`, durably. A copy of the same bytes that a crash interrupted is replaced.
Result<void> keep_aside(const LogPlace& place, const KeptAside& what, const File& from, std::uint64_t size_bytes);

}  // namespace tidelog::storage
