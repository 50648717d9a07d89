// What a log does when its bytes are not what was written.
#include "storage/log/file_names.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {

bool Log::is_damaged(Offset offset) const {
  const DamagedRange* next = damage_.at_or_after(offset);
  return next != nullptr && next->holds(offset);
}

/// Looks for damage in the segment that holds `at`; false if nothing was found that was not known.
bool Log::find_damage(LoadedLog& state, Offset at) { return find_damage_in(state, state.segment_of(at)) && (save_damage(), true); }

bool Log::find_damage_anywhere(LoadedLog& state) {
  bool is_found = false;
  // Below the log start as well: what loads the log walks over those, too.
  for (std::size_t at = 0; at < state.segments.size(); ++at) is_found = find_damage_in(state, at) || is_found;
  if (is_found) save_damage();
  return is_found;
}

bool Log::find_damage_in(LoadedLog& state, std::size_t segment) {
  if (segment >= state.segments.size() || truncation_) return false;  // Files are being cut: what is missing of them is meant to be.
  Segment& damaged = state.use(segment);
  const Result<std::vector<DamagedRange>> found = damaged.examine(state.end_of(segment, end_));
  if (!found) return false;
  bool is_new = false;
  for (const DamagedRange& range : *found) is_new = damage_.add(range) || is_new;
  if (is_new) damaged.set_holes(damage_.of_segment(damaged.base()));
  return is_new;
}

/// Ranges below the log start whose files are gone. As long as the file is there they are holes in it, to be stepped over by whoever walks
/// it, though nobody can ask for them.
bool Log::forget_damage() {
  if (loaded_ == nullptr || loaded_->segments.empty()) return false;
  return damage_.forget_below(std::min(log_start_, loaded_->segments.front()->base()));
}

/// Unsynced, and not for sure: what is not kept is found again.
void Log::save_damage() {
  forget_damage();
  static_cast<void>(write_unsynced(*place_.files, place_.directory + "/" + std::string(kDamageFile), damage_.encode()).has_value());
}

Result<std::optional<ScrubPiece>> Log::piece_to_scrub(Offset from) {
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  from = std::max(from, log_start_);
  if (state.segments.empty() || from >= recovery_point_.offset) return std::optional<ScrubPiece>{};
  const std::size_t at = state.segment_of(from);
  Segment& segment = state.use(at);
  const bool holds_point = segment.base() == recovery_point_.segment_base;
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  return std::optional(ScrubPiece{.file = *file,
                                  .base = segment.base(),
                                  .end = holds_point ? recovery_point_.offset : state.end_of(at, end_),
                                  .size_bytes = holds_point ? recovery_point_.position : segment.size_bytes(),
                                  .holes = damage_.of_segment(segment.base()),
                                  .swaps_made = swaps_made_});
}

std::vector<DamagedRange> Log::note_damage(const ScrubPiece& piece, std::span<const DamagedRange> found) {
  std::vector<DamagedRange> added;
  bool is_new = false;
  if (is_offline() || piece.swaps_made != swaps_made_) return added;
  for (const DamagedRange& range : found) {
    if (!damage_.add(range)) continue;
    is_new = true;
    if (range.to > log_start_) added.push_back(range);
    if (loaded_ == nullptr || loaded_->segments.empty()) continue;  // Whoever loads it looks at the ranges.
    Segment& segment = *loaded_->segments[loaded_->segment_of(range.segment_base)];
    if (segment.base() == range.segment_base) segment.set_holes(damage_.of_segment(segment.base()));
  }
  if (is_new) save_damage();
  return added;
}

}  // namespace tidelog::storage
