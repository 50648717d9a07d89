#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

Result<Boundary> start_of(Segment& segment, const PositionMarks& marks, Offset from) {
  if (const Boundary* mark = marks.find(segment.base(), from)) return *mark;
  const Result<BatchPlace> place = segment.find(from);
  if (!place) return place.error();
  return Boundary{place->header.base_offset, place->position};
}

/// The end of the batch at `start`.
Result<Boundary> end_of_batch(Segment& segment, const Boundary& start) {
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  HeaderWalk walk = segment.walk_from(**file, start.position);
  walk.expect(start.offset);
  const Result<bool> found = walk.next();
  if (!found) return found.error();
  if (!*found) return start;
  return Boundary{walk.header().next_offset(), walk.next_position()};
}

}  // namespace

Result<Slice> Log::read(const ReadRequest& request) {
  if (is_offline()) return Errc::offline;
  if (request.from < log_start_ || request.from > end_) return Errc::out_of_range;
  const Slice nothing{.file = nullptr, .first_offset = request.from, .next_offset = request.from};
  ReadRequest bounded = request;
  bounded.limit = std::min(request.limit, end_);
  if (request.from >= bounded.limit) return nothing;  // An idle log answers its long polls without being loaded.
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  Result<Slice> slice = read_whole(state, bounded);
  const bool is_known = slice || slice.error() != Errc::corrupt || is_damaged(request.from);
  if (!is_known && find_damage(state, request.from)) slice = read_whole(state, bounded);
  return slice;
}

/// Up to where damage is known to begin.
Result<Slice> Log::read_whole(LoadedLog& state, ReadRequest request) {
  if (const DamagedRange* next = damage_.at_or_after(request.from)) {
    if (next->holds(request.from)) return Errc::corrupt;
    request.limit = std::min(request.limit, next->from);
  }
  for (std::size_t at = state.segment_of(request.from); at < state.segments.size(); ++at) {
    Result<Slice> slice = read_segment(state, at, request);
    const bool is_in_gap = !slice && slice.error() == Errc::not_found;
    // Nothing ends there but a batch, so one that reaches past it is not what was written.
    const bool is_a_boundary = request.limit == end_ || is_damaged(request.limit);
    const bool reaches_too_far = slice && slice->empty() && is_a_boundary && request.first_batch == FirstBatch::even_if_larger;
    if (reaches_too_far) return Errc::corrupt;
    if (!is_in_gap) return slice;
    // Nothing leaves a segment without the offsets up to the next one, not even compaction: files are missing between them.
    if (at + 1 < state.segments.size() && state.segments[at + 1]->base() > request.from) return Errc::corrupt;
  }
  return Errc::corrupt;  // It lies below the end, and is nowhere.
}

Result<Slice> Log::read_segment(LoadedLog& state, std::size_t at, const ReadRequest& request) {
  Segment& segment = state.use(at);
  const Offset segment_end = state.end_of(at, end_);
  const Result<Boundary> start = start_of(segment, state.marks, request.from);
  if (!start) return start.error();
  Slice slice{.file = nullptr, .position = start->position, .first_offset = start->offset, .next_offset = request.from};
  const std::uint64_t position_limit = start->position + std::min<std::uint64_t>(request.max_bytes, segment.size_bytes());
  const Boundary* mark = segment_end <= request.limit ? nullptr : state.marks.find(segment.base(), request.limit);
  Result<Boundary> stop = *start;
  if (segment_end <= request.limit && segment.size_bytes() <= position_limit) {
    stop = Boundary{segment_end, segment.size_bytes()};
  } else if (mark != nullptr && mark->position >= start->position && mark->position <= position_limit) {
    stop = *mark;
  } else {
    stop = segment.last_boundary(*start, position_limit, request.limit);
  }
  if (stop && stop->position == start->position && request.first_batch == FirstBatch::even_if_larger) {
    const Result<Boundary> first = end_of_batch(segment, *start);
    if (!first) return first.error();
    if (first->offset <= request.limit) stop = *first;
  }
  if (!stop) return stop.error();
  if (stop->position == start->position) return slice;
  const Result<bool> is_checked = segment.check_chain(*start, *stop);
  if (!is_checked) return is_checked.error();
  slice.needs_check = !*is_checked;
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  slice.file = *file;
  slice.size_bytes = stop->position - start->position;
  slice.next_offset = stop->offset;
  state.marks.note_read(segment.base(), *stop);
  return slice;
}

}  // namespace tidelog::storage
