#include "storage/compaction/swap.h"

#include "storage/log/file_names.h"

#include <vector>

namespace tidelog::storage {
namespace {

constexpr std::size_t kDigits = 20;

bool is_gone(const Result<void>& removed) { return removed || removed.error() == Errc::not_found; }

/// Takes what the swap replaces out of the directory, but for the first segment: the rename over it does that.
Result<void> take_out(FileSystem& files, const std::string& directory, const SwapName& swap, const std::vector<DirEntry>& entries) {
  for (const DirEntry& entry : entries) {
    const std::optional<Offset> base = parse_offset_file(entry.name, kLogSuffix);
    if (!base || *base < swap.base || *base >= swap.end) continue;
    for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
      const Result<void> removed = files.remove(offset_file(directory, *base, suffix));
      if (!is_gone(removed)) return removed;
    }
    if (*base == swap.base) continue;
    const std::string path = directory + "/" + entry.name;
    if (const Result<void> renamed = files.rename(path, path + std::string(kDeletedSuffix)); !renamed) return renamed;
  }
  return {};
}

void remove_deleted(FileSystem& files, const std::string& directory, const SwapName& swap, const std::vector<DirEntry>& entries) {
  for (const DirEntry& entry : entries) {
    const std::optional<Offset> base = parse_offset_file(entry.name, kLogSuffix);
    if (!base || *base <= swap.base || *base >= swap.end) continue;
    // Opening the log removes it, too.
    static_cast<void>(files.remove(directory + "/" + entry.name + std::string(kDeletedSuffix)).has_value());
  }
}

}  // namespace

std::string cleaned_file(const std::string& directory, Offset base) { return offset_file(directory, base, kCleanedSuffix); }

std::string swap_file(const std::string& directory, const SwapName& swap) {
  const std::string end = std::to_string(swap.end.value);
  return offset_file(directory, swap.base, "-" + std::string(kDigits - end.size(), '0') + end + std::string(kSwapSuffix));
}

std::optional<SwapName> parse_swap_file(std::string_view name) {
  if (name.size() != 2 * kDigits + 1 + kSwapSuffix.size() || name[kDigits] != '-') return std::nullopt;
  const std::optional<Offset> base = parse_offset_file(name.substr(0, kDigits), "");
  const std::optional<Offset> end = parse_offset_file(name.substr(kDigits + 1), kSwapSuffix);
  if (!base || !end || *end <= *base) return std::nullopt;
  return SwapName{*base, *end};
}

SwapEnd finish_swap(FileSystem& files, const std::string& directory, const SwapName& swap) {
  // Before anything goes, what replaces it has its name for good.
  if (!files.sync_dir(directory)) return SwapEnd::sync_failed;
  const Result<std::vector<DirEntry>> entries = files.list(directory);
  if (!entries || !take_out(files, directory, swap, *entries)) return SwapEnd::again;
  // A segment that came back behind the one that replaced it would make offsets stand twice.
  if (!files.sync_dir(directory)) return SwapEnd::sync_failed;
  if (!files.rename(swap_file(directory, swap), offset_file(directory, swap.base, kLogSuffix))) return SwapEnd::again;
  if (!files.sync_dir(directory)) return SwapEnd::sync_failed;
  remove_deleted(files, directory, swap, *entries);
  return SwapEnd::done;
}

}  // namespace tidelog::storage
