#include "storage/log/log_directory.h"

#include "storage/compaction/swap.h"
#include "storage/log/truncation.h"

namespace tidelog::storage {

Result<std::vector<DirEntry>> list_log_directory(const LogPlace& place) {
  Result<std::vector<DirEntry>> entries = place.files->list(place.directory);
  if (!entries) return entries;
  bool has_changed = false;
  for (const DirEntry& entry : *entries) {
    const std::optional<SwapName> swap = parse_swap_file(entry.name);
    if (!swap) continue;
    if (finish_swap(*place.files, place.directory, *swap) != SwapEnd::done) return Errc::io;
    has_changed = true;
  }
  for (const DirEntry& entry : *entries) {
    const std::optional<TruncationName> cut = parse_truncation_file(entry.name);
    if (!cut) continue;
    if (carry_out_truncation(place, *cut) != TruncationEnd::done) return Errc::io;
    has_changed = true;
  }
  return has_changed ? place.files->list(place.directory) : std::move(entries);
}

}  // namespace tidelog::storage
