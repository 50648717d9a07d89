#pragma once

#include "storage/disk/file_system.h"

#include <optional>
#include <string>
#include <string_view>

namespace tidelog::storage {

/// A segment that takes the place of all that begin within `[base, end)`.
///
/// Files, each step durable before the next:
///   BASE.log.cleaned     written, then synced; a crash leaves it for the next opening to remove, and the old segments as they were
///   BASE-END.swap        renamed to: from here on the swap is carried out, by whoever opens the log if need be
///   old segments behind  renamed to .deleted, and all indexes of the range removed
///   BASE.log             the swap renamed to, over the old segment of that name
///   *.log.deleted        removed
/// Every step may be repeated. At each point reading by names gives the old segments, or `BASE-END.swap` says what is to be done.
struct SwapName {
  Offset base;
  Offset end;
  bool operator==(const SwapName&) const = default;
};

inline constexpr std::string_view kCleanedSuffix = ".log.cleaned", kSwapSuffix = ".swap";

std::string cleaned_file(const std::string& directory, Offset base);
std::string swap_file(const std::string& directory, const SwapName& swap);
/// The range if `name` is that of a swap file.
std::optional<SwapName> parse_swap_file(std::string_view name);

/// How carrying out a swap ended.
enum class SwapEnd : std::uint8_t {
  done,
  again,        ///< The file system refused something; calling it again goes on.
  sync_failed,  ///< What the disk holds cannot be known: the log must go offline, and syncs are not repeated.
};

/// Carries out a swap whose file is there, from wherever it was left. Blocks.
SwapEnd finish_swap(FileSystem& files, const std::string& directory, const SwapName& swap);

}  // namespace tidelog::storage
