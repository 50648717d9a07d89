#include "storage/inspect/segment_scrub.h"

#include "storage/log/damage_scan.h"

#include <algorithm>

namespace tidelog::storage {

/// Goes behind the known damage that begins here. Returns where the next one begins, or the end.
std::uint64_t SegmentScrub::skip_holes() {
  for (const DamagedRange& hole : piece_.holes) {
    if (hole.position > position_) return std::min(hole.position, piece_.size_bytes);
    const bool is_here = hole.end_position > position_ || (hole.end_position == position_ && hole.from == state_.next_offset);
    if (!is_here) continue;
    position_ = hole.end_position;
    state_.next_offset = hole.to;
  }
  return piece_.size_bytes;
}

Result<bool> SegmentScrub::step(std::uint64_t bytes) {
  const std::uint64_t stretch_end = skip_holes();
  if (position_ >= stretch_end) return true;
  BatchScan scan;
  scan.stop_after(bytes);
  const std::uint64_t begin = position_;
  const Result<std::uint64_t> valid_end = scan.run(*piece_.file, begin, stretch_end, state_);
  if (!valid_end) return valid_end.error();
  position_ = *valid_end;
  read_bytes_ += position_ - begin;
  const bool is_whole = position_ == stretch_end || position_ - begin >= bytes;
  if (!is_whole) {
    if (const Result<void> looked = look_closely(); !looked) return looked.error();
    return true;
  }
  const bool is_over = skip_holes() == piece_.size_bytes && position_ >= piece_.size_bytes;
  // Each batch is whole, and still the last ones may be gone.
  if (is_over && state_.next_offset != piece_.end) {
    if (const Result<void> looked = look_closely(); !looked) return looked.error();
  }
  return is_over;
}

/// Something is wrong: the whole segment is gone over by the rules that tell which batch is to blame.
Result<void> SegmentScrub::look_closely() {
  ScanState state{.next_offset = piece_.base};
  const Stretch all{.file = *piece_.file, .segment_base = piece_.base, .position = 0, .end = piece_.size_bytes, .limit = piece_.end};
  Result<ScanResult> found = scan_over_damage(all, ScanDepth::checksums, state);
  if (!found) return found.error();
  read_bytes_ += piece_.size_bytes;
  damaged_ = std::move(found->damaged);
  if (state.next_offset < piece_.end) {
    damaged_.push_back({.from = state.next_offset,
                        .to = piece_.end,
                        .segment_base = piece_.base,
                        .position = found->valid_end,
                        .end_position = piece_.size_bytes});
  }
  return {};
}

}  // namespace tidelog::storage
