// How a log gives its sealed segments to compaction, and takes back what became of them.
#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/segment_writer.h"
#include "storage/log/file_names.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>
#include <limits>

namespace tidelog::storage {
namespace {

/// Where the segments stand that `cleaned` was made from; nothing if they are not all there as they were, sealed and without others
/// between.
std::optional<std::size_t> find_replaced(const LoadedLog& state, const CleanedSegment& cleaned) {
  if (state.segments.empty() || cleaned.replaces.empty()) return std::nullopt;
  const std::size_t first = state.segment_of(cleaned.swap.base);
  const std::size_t end = first + cleaned.replaces.size();
  if (end >= state.segments.size() || state.segments[end]->base() != cleaned.swap.end) return std::nullopt;
  for (std::size_t i = 0; i < cleaned.replaces.size(); ++i) {
    const Segment& segment = *state.segments[first + i];
    const SegmentFacts& expected = cleaned.replaces[i];
    if (segment.base() != expected.base || segment.size_bytes() != expected.size_bytes) return std::nullopt;
    if (segment.is_dirty() || segment.has_holes()) return std::nullopt;
  }
  return first;
}

}  // namespace

Result<LogFacts> Log::compaction_facts(Offset limit, TimestampMs now) {
  if (is_offline()) return Errc::offline;
  LogFacts facts{.segments = {}, .log_start = durable_log_start(), .cleaned = {}};
  // Most idle logs are one segment: they are not loaded to see that.
  if (swap_ || truncation_ || !in_manifest_ || tail_base_ <= log_start_) return facts;
  if (!cleaned_) cleaned_ = read_cleaner_checkpoint(place_);
  facts.cleaned = *cleaned_;
  const Offset first_needed = std::min(in_manifest_->segment_base, recovery_point_.segment_base);
  // Nor are those that are clean as far as they may be: an idle log is loaded again only when a tombstone of it is due.
  const bool has_dirty = cleaned_->offset < std::min(first_needed, tail_base_);
  if (!has_dirty && (cleaned_->earliest_horizon.value < 0 || now < cleaned_->earliest_horizon)) return facts;
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  for (std::size_t at = 0; at + 1 < state.segments.size(); ++at) {
    const Segment& segment = *state.segments[at];
    const Offset segment_end = state.segments[at + 1]->base();
    if (segment_end <= facts.log_start) continue;
    // What is damaged stays as it is, for whoever wants to rescue what can be; so does what follows, of which a key may be in there.
    const DamagedRange* damaged = damage_.at_or_after(segment.base());
    if (damaged != nullptr && damaged->from < segment_end) break;
    if (segment_end > limit || segment.base() >= first_needed || segment.is_dirty()) break;
    const Result<SegmentFacts> known = facts_of(state, at);
    if (!known) return known.error();
    facts.segments.push_back(*known);
  }
  return facts;
}

/// Looks at timestamps only where a setting asks for them.
Result<SegmentFacts> Log::facts_of(LoadedLog& state, std::size_t at) {
  SegmentFacts facts{.base = state.segments[at]->base(),
                     .end = state.segments[at + 1]->base(),
                     .size_bytes = state.segments[at]->size_bytes(),
                     .truncations_made = truncations_made_};
  if (facts.end <= cleaned_->offset) return facts;
  if (config_.compaction.min_lag_ms > 0) {
    const Result<SegmentIndex::Newest> newest = state.use(at).newest();
    if (!newest) return newest.error();
    facts.newest = newest->timestamp;
  }
  if (config_.compaction.max_lag_ms < std::numeric_limits<std::int64_t>::max()) {
    const Result<TimestampMs> first = state.use(at).first_timestamp();
    if (!first) return first.error();
    facts.first = *first;
  }
  return facts;
}

Result<LastBatches> Log::last_batches() {
  const Result<LoadedLog*> state = loaded();
  if (!state) return state.error();
  return (*state)->producers.newest_below(recovery_point_.offset);
}

Result<void> Log::begin_swap(CleanedSegment cleaned) {
  if (swap_ || truncation_) return Errc::busy;
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  // Of a log that was cut back meanwhile: segments of the same names and sizes may hold something else.
  const auto is_of_before = [&](const SegmentFacts& facts) { return facts.truncations_made != truncations_made_; };
  const std::optional<std::size_t> first = find_replaced(state, cleaned);
  if (!first || std::ranges::any_of(cleaned.replaces, is_of_before)) return Errc::invalid;
  const Result<void> renamed =
      place_.files->rename(cleaned_file(place_.directory, cleaned.swap.base), swap_file(place_.directory, cleaned.swap));
  if (!renamed) return renamed;
  const auto begin = state.segments.begin() + static_cast<std::ptrdiff_t>(*first);
  const auto end = begin + static_cast<std::ptrdiff_t>(cleaned.replaces.size());
  if (std::any_of(begin, end, [&](const auto& segment) { return segment.get() == state.warm; })) state.warm = nullptr;
  auto segment = std::make_unique<Segment>(place_, config_, cleaned.swap.base, cleaned.size_bytes);
  segment->adopt(std::move(cleaned.file), std::move(cleaned.index));
  *begin = std::move(segment);
  state.segments.erase(begin + 1, end);
  state.marks = {};  // Positions in the old files.
  swap_ = cleaned.swap;
  ++swaps_made_;
  return {};
}

void Log::end_swap(SwapEnd end) {
  if (!swap_) return;
  if (end == SwapEnd::sync_failed) return take_offline(place_.directory + ": names that compaction changed could not be synced");
  if (end == SwapEnd::again) return;
  const SwapName swap = *swap_;
  swap_.reset();
  if (loaded_ == nullptr || loaded_->segments.empty()) return;
  Segment& segment = *loaded_->segments[loaded_->segment_of(swap.base)];
  segment.unpin();
  static_cast<void>(segment.write_index().has_value());  // Else it is built again when it is needed.
  if (&segment != loaded_->warm) segment.cool();
}

}  // namespace tidelog::storage
