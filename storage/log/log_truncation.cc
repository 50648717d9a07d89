// How a log is cut back. What is done to the files, and in which order: storage/log/truncation.h.
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {

Result<std::optional<TruncationName>> Log::begin_truncation(Offset to) {
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  if (truncation_ || swap_ || rounds_under_way_ > 0 || is_dirty()) return Errc::busy;
  if (to < log_start_) return Errc::out_of_range;
  if (to >= end_) return std::optional<TruncationName>{};
  Result<TruncationName> cut = cut_at(state, to);
  if (!cut && cut.error() == Errc::corrupt && find_damage(state, to)) cut = cut_at(state, to);
  if (!cut) return cut.error();
  if (cut->offset < log_start_) return Errc::out_of_range;  // Its batch holds what was deleted.
  cut_back(state, *cut);
  return std::optional(*cut);
}

/// Where the batch begins that holds `to`, or the damage that does.
Result<TruncationName> Log::cut_at(LoadedLog& state, Offset to) const {
  const DamagedRange* damaged = damage_.at_or_after(to);
  if (damaged != nullptr && !damaged->holds(to)) damaged = nullptr;
  TruncationName cut{.offset = damaged == nullptr ? to : damaged->from, .segment = {}};
  const auto count_below = [&] {  // Segments that begin below.
    const auto begins_below = [&](const std::unique_ptr<Segment>& segment) { return segment->base() < cut.offset; };
    return static_cast<std::size_t>(std::ranges::partition_point(state.segments, begins_below) - state.segments.begin());
  };
  std::size_t count = count_below();
  const bool is_at_boundary = count == 0 || state.end_of(count - 1, end_) == cut.offset;
  if (damaged == nullptr && !is_at_boundary) {
    const Result<BatchPlace> place = state.use(count - 1).find(to);
    if (!place) return place.error() == Errc::not_found ? Errc::corrupt : place.error();
    if (place->header.base_offset > to) return Errc::corrupt;
    cut = {.offset = place->header.base_offset, .segment = state.segments[count - 1]->base(), .position = place->position};
    if (cut.segment < cut.offset) return cut;
    count = count_below();
  }
  if (count == 0) return TruncationName{.offset = cut.offset, .segment = cut.offset};
  const Segment& last = *state.segments[count - 1];
  const bool is_damaged_inside = damaged != nullptr && damaged->segment_base == last.base();
  cut.segment = last.base();
  cut.position = is_damaged_inside ? damaged->position : last.size_bytes();
  return cut;
}

/// In memory. Epochs and producers are loaded anew once the files are cut; nobody needs them before, since nothing is appended.
void Log::cut_back(LoadedLog& state, const TruncationName& cut) {
  truncation_ = cut;
  ++truncations_made_;
  ++swaps_made_;
  end_ = cut.offset;
  tail_base_ = cut.segment;
  tail_bytes_ = cut.position;
  // Right before and after the files are cut: below are the same bytes, and all of them are synced.
  recovery_point_ = {.log_start = log_start_, .offset = cut.offset, .segment_base = cut.segment, .position = cut.position};
  durable_ = recovery_point_;
  damage_.forget_from(cut.offset);
  state.epochs.truncate_from_end(cut.offset);
  state.marks = {};
  if (state.warm != nullptr && state.warm->base() >= cut.offset) state.warm = nullptr;
  while (!state.segments.empty() && state.segments.back()->base() >= cut.offset) state.segments.pop_back();
  if (Segment* tail = state.tail()) {
    tail->shrink(cut.position, damage_.of_segment(tail->base()));
    if (state.warm == tail) state.warm = nullptr;
  }
}

bool Log::truncation_needs_manifest() const {
  if (!truncation_) return false;
  const auto is_above = [&](const std::optional<RecoveryPoint>& point) { return point && point->offset > truncation_->offset; };
  return is_above(in_manifest_) || is_above(for_manifest_);
}

void Log::end_truncation(TruncationEnd end) {
  if (!truncation_ || end == TruncationEnd::again) return;
  if (end == TruncationEnd::sync_failed) return take_offline(place_.directory + ": what a truncation changed could not be synced");
  const TruncationName cut = *truncation_;
  truncation_.reset();
  loaded_.reset();
  cleaned_.reset();
  tail_base_ = cut.offset;
  tail_bytes_ = 0;
  recovery_point_ = {.log_start = log_start_, .offset = cut.offset, .segment_base = cut.offset};
  durable_ = recovery_point_;
}

}  // namespace tidelog::storage
