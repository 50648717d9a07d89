#include "storage/log/file_names.h"
#include "storage/log/kept_aside.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"
#include "storage/log/retention.h"

#include <algorithm>

namespace tidelog::storage {

Result<void> Log::advance_log_start(Offset to) {
  if (is_offline()) return Errc::offline;
  if (to > end_) return Errc::out_of_range;
  if (to <= log_start_) return {};
  log_start_ = to;
  if (loaded_ != nullptr) {
    loaded_->epochs.truncate_from_start(to);
    loaded_->epochs_are_dirty = true;
  }
  return {};
}

Result<std::size_t> Log::delete_old_segments(TimestampMs now, Offset limit) {
  const Result<LoadedLog*> state = loaded();
  if (!state) return state.error();
  if (truncation_) return std::size_t{0};
  remove_old_asides(**state, now);
  if ((*state)->segments.empty()) return std::size_t{0};
  const Result<Offset> start = retention_start(**state, now, limit);
  if (!start) return start.error();
  if (const Result<void> moved = advance_log_start(*start); !moved) return moved.error();
  return remove_dead_segments(**state);
}

void Log::remove_old_asides(LoadedLog& state, TimestampMs now) {
  std::erase_if(state.kept_aside, [&](const std::string& name) {
    return is_past_keeping(*parse_kept_aside(name), now) && place_.files->remove(place_.directory + "/" + name).has_value();
  });
}

Result<std::size_t> Log::remove_segments_below_start() {
  const Result<LoadedLog*> state = loaded();
  return state ? remove_dead_segments(**state) : state.error();
}

/// Where the log begins by retention.ms and retention.bytes. If all of it has expired the tail is rolled first, so that the end offset
/// stays known by a file's name.
Result<Offset> Log::retention_start(LoadedLog& state, TimestampMs now, Offset limit) {
  std::uint64_t total = 0;
  for (const std::unique_ptr<Segment>& segment : state.segments) total += segment->size_bytes();
  Offset start = log_start_;
  for (std::size_t at = 0; at < state.segments.size(); ++at) {
    const Offset segment_end = state.end_of(at, end_);
    const std::uint64_t size = state.segments[at]->size_bytes();
    if (segment_end > limit || size == 0) break;
    const bool is_tail = at + 1 == state.segments.size();
    bool goes = segment_end <= start || (!is_tail && is_surplus(size, total, config_));
    if (!goes && config_.retention_ms >= 0) {
      const Result<SegmentIndex::Newest> newest = state.use(at).newest();
      if (!newest) return newest.error();
      goes = is_expired(newest->timestamp, config_, now);
    }
    if (!goes) break;
    if (is_tail) {
      if (const Result<void> rolled = roll(state); !rolled) return rolled.error();
    }
    start = std::max(start, segment_end);
    total -= size;
  }
  return start;
}

/// Were it gone, a restart by that manifest would take it for lost.
bool Log::is_needed_by_manifest(Offset segment_base, Offset segment_end) const {
  const auto needs = [&](const std::optional<RecoveryPoint>& point) {
    return point && (segment_end > point->log_start || segment_base >= point->segment_base);
  };
  return needs(in_manifest_) || needs(for_manifest_);
}

Result<std::size_t> Log::remove_dead_segments(LoadedLog& state) {
  if (swap_ || truncation_) return std::size_t{0};  // Names are changing off-thread; the next call finds them settled.
  std::vector<std::string> dead;
  while (state.segments.size() > 1) {
    const Segment& segment = *state.segments.front();
    const Offset segment_end = state.segments[1]->base();
    // The recovery point must name a file that is there, so it moves on first, by a round.
    const bool holds_recovery_point = segment.is_dirty() || segment.base() >= recovery_point_.segment_base;
    if (segment_end > log_start_ || holds_recovery_point || is_needed_by_manifest(segment.base(), segment_end)) break;
    const std::string path = offset_file(place_.directory, segment.base(), kLogSuffix);
    if (const Result<void> renamed = place_.files->rename(path, path + std::string(kDeletedSuffix)); !renamed) return renamed.error();
    dead.push_back(path + std::string(kDeletedSuffix));
    dead.push_back(offset_file(place_.directory, segment.base(), kIndexSuffix));
    dead.push_back(offset_file(place_.directory, segment.base(), kTimeIndexSuffix));
    if (state.warm == &segment) state.warm = nullptr;
    state.segments.erase(state.segments.begin());
  }
  if (dead.empty()) return std::size_t{0};
  // Oldest first and for good, or a crash could bring back an older one without its successor.
  if (const Result<void> synced = place_.files->sync_dir(place_.directory); !synced) return synced.error();
  for (const std::string& path : dead) static_cast<void>(place_.files->remove(path).has_value());  // Opening the log tries again.
  if (forget_damage()) save_damage();
  return dead.size() / 3;
}

Result<std::uint64_t> Log::size_bytes() {
  const Result<LoadedLog*> state = loaded();
  if (!state) return state.error();
  std::uint64_t total = 0;
  for (const std::unique_ptr<Segment>& segment : (*state)->segments) total += segment->size_bytes();
  return total;
}

Result<std::uint64_t> Log::size_on_disk(const LogPlace& place) {
  const Result<std::vector<DirEntry>> entries = place.files->list(place.directory);
  if (!entries) return entries.error();
  std::uint64_t total = 0;
  for (const DirEntry& entry : *entries) {
    if (parse_offset_file(entry.name, kLogSuffix)) total += entry.size_bytes;
  }
  return total;
}

}  // namespace tidelog::storage
