#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// So many segments are looked at in one step. Each may have its index read.
constexpr int kSegmentsAStep = 16;

/// Of two candidates: whoever claims the later timestamp, else whoever is older.
constexpr auto kGoesFirst = [](const auto& a, const auto& b) { return a.claim != b.claim ? a.claim > b.claim : a.base < b.base; };

}  // namespace

Result<void> Log::advance(TimeSearch& search) {
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  search.range_ = {std::max(log_start_, search.question_.from), std::min(search.question_.limit, end_)};
  if (search.range_.from >= search.range_.limit) {
    search.finish();
    return {};
  }
  return search.question_.at_least ? advance_to_time(**loaded, search) : advance_to_newest(**loaded, search);
}

bool Log::look_for_damage(const TimeSearch& search) {
  if (search.met_known_damage_) return false;
  const Result<LoadedLog*> loaded = this->loaded();
  return loaded && find_damage(**loaded, search.looking_at_);
}

Result<void> Log::advance_to_time(LoadedLog& state, TimeSearch& search) {
  const TimestampMs timestamp = *search.question_.at_least;
  const DamagedRange* damaged = damage_.at_or_after(search.range_.from);
  // Files that are gone may have held it.
  if (damaged != nullptr && !state.segments.empty() && damaged->from < state.segments.front()->base()) return search.refuse();
  for (int count = 0; count < kSegmentsAStep; ++count) {
    Segment* const segment = next_segment(state, search);
    if (segment == nullptr) {
      search.finish();
      return {};
    }
    const Result<SegmentIndex::Newest> newest = segment->newest();
    if (!newest) return newest.error();
    if (newest->timestamp < timestamp && !segment->has_holes()) continue;
    const Result<std::uint64_t> position = position_to_search(*segment, search);
    if (!position) return position.error();
    const Result<std::shared_ptr<File>> file = segment->file();
    if (!file) return file.error();
    search.stretch_ = {.file = *file,
                       .position = *position,
                       .end = segment->size_bytes(),
                       .segment_end = segment->size_bytes(),
                       .holes = segment->holes()};
    if (*position == 0) search.stretch_.expected = segment->base();  // A hole may stand there.
    return {};
  }
  return {};
}

/// Where to begin in a segment: nothing that counts stands before.
Result<std::uint64_t> Log::position_to_search(Segment& segment, const TimeSearch& search) {
  if (search.question_.from > segment.base()) return segment.position_before(search.range_.from);
  return segment.position_before(*search.question_.at_least);
}

/// The next one that was not looked at; null: there is none within bounds.
Segment* Log::next_segment(LoadedLog& state, TimeSearch& search) const {
  const Offset from = std::max(search.next_from_, search.range_.from);
  if (from >= search.range_.limit || state.segments.empty()) return nullptr;
  const std::size_t at = state.segment_of(from);
  search.looking_at_ = from;
  search.next_from_ = state.end_of(at, end_);
  return &state.use(at);
}

/// Segments are looked through by what they claim, the greatest first: mostly the first has it, and the others need not be opened.
Result<void> Log::advance_to_newest(LoadedLog& state, TimeSearch& search) {
  const DamagedRange* damaged = damage_.at_or_after(log_start_);
  if (damaged != nullptr && damaged->from < search.range_.limit) return search.refuse();  // The newest record may be among them.
  if (!search.has_all_candidates_) {
    if (const Result<void> listed = list_candidates(state, search); !listed) return listed.error();
    if (!search.has_all_candidates_) return {};
  }
  while (search.next_candidate_ < search.candidates_.size()) {
    const TimeSearch::Candidate candidate = search.candidates_[search.next_candidate_++];
    if (!search.is_better(candidate.claim, candidate.base)) break;
    const std::size_t at = state.segment_of(candidate.base);
    search.looking_at_ = candidate.base;
    if (at >= state.segments.size() || state.segments[at]->base() > candidate.base) continue;  // Removed meanwhile.
    if (state.segments[at]->base() == candidate.base) return look_through(state, at, search);
    search.restart();  // Compaction made it a part of the one before, which may have been looked through before that.
    return {};
  }
  search.finish();
  return {};
}

Result<void> Log::list_candidates(LoadedLog& state, TimeSearch& search) {
  for (int count = 0; count < kSegmentsAStep; ++count) {
    Segment* const segment = next_segment(state, search);
    if (segment == nullptr) {
      std::ranges::sort(search.candidates_, kGoesFirst);
      search.has_all_candidates_ = true;
      return {};
    }
    const Result<SegmentIndex::Newest> newest = segment->newest();
    if (!newest) return newest.error();
    search.candidates_.push_back({.claim = newest->timestamp, .base = segment->base()});
  }
  return {};
}

/// Has the record with the greatest timestamp of one segment looked for.
Result<void> Log::look_through(LoadedLog& state, std::size_t at, TimeSearch& search) {
  Segment& segment = state.use(at);
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  const Result<SegmentIndex::Newest> newest = segment.newest();
  if (!newest) return newest.error();
  search.disbelieved_.clear();
  // If the newest batch is partly or wholly out of bounds, or was emptied, headers have to say which one is.
  TimeSearch::Stretch stretch{
      .file = *file, .position = 0, .end = segment.size_bytes(), .segment_end = segment.size_bytes(), .holes = segment.holes()};
  if (newest->offset.value >= 0 && search.range_.holds(newest->offset)) {
    const Result<BatchPlace> place = segment.find(newest->offset);
    if (!place) return place.error();
    if (place->header.base_offset >= search.range_.from && place->header.record_count > 0) {
      stretch.position = place->position;
      stretch.end = place->end_position();
    }
  }
  search.stretch_ = std::move(stretch);
  return {};
}

Result<std::optional<TimestampedOffset>> Log::find_now(const TimeSearch::Question& question) {
  TimeSearch search(question);
  while (!search.is_done()) {
    const Result<void> done = search.has_stretch() ? search.read_piece() : advance(search);
    if (done) continue;
    if (done.error() != Errc::corrupt || !look_for_damage(search)) return done.error();
    search.restart();
  }
  return search.found();
}

Result<std::optional<TimestampedOffset>> Log::offset_for_timestamp(TimestampMs timestamp, Offset limit) {
  return find_now({.at_least = timestamp, .limit = limit});
}

Result<std::optional<TimestampedOffset>> Log::max_timestamp(Offset limit) { return find_now({.at_least = std::nullopt, .limit = limit}); }

}  // namespace tidelog::storage
