#include "proto/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"
#include "storage/log/producer_snapshot.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// How many snapshots stay at or below what the manifest names, and how many above it.
constexpr std::size_t kKeptSnapshots = 2;
constexpr std::size_t kKeptYoungSnapshots = 3;

bool is_behind(const RecoveryPoint& point, const RecoveryPoint& other) {
  return point.offset < other.offset || point.segment_base < other.segment_base;
}

}  // namespace

SyncTicket Log::begin_sync(SyncMeans means) {
  ++rounds_under_way_;
  SyncTicket ticket;
  ticket.means = means;
  ticket.end_offset = recovery_point_.offset;
  ticket.covers = recovery_point_;
  ticket.files_made = files_made_;
  ticket.cuts_made = cuts_made_;
  ticket.log_id = identity_.log_id;
  if (is_offline() || loaded_ == nullptr || !is_dirty()) return ticket;
  LoadedLog& state = *loaded_;
  for (std::size_t at = state.segments.empty() ? 0 : state.segment_of(recovery_point_.segment_base); at < state.segments.size(); ++at) {
    Segment& segment = *state.segments[at];
    if (!segment.is_dirty()) continue;
    const Result<std::shared_ptr<File>> file = segment.file();
    if (!file) return ticket;  // Cannot happen while a dirty segment keeps its file open; then this round covers nothing.
    ticket.files.push_back(*file);
    if (segment.base() < durable_.segment_base) continue;
    const std::uint64_t begin = segment.base() == durable_.segment_base ? durable_.position : 0;
    if (begin < segment.size_bytes()) ticket.fresh.push_back({.file = *file, .begin = begin, .end = segment.size_bytes()});
  }
  if (directory_is_dirty_) ticket.directories.push_back(place_.directory);
  ticket.end_offset = end_;
  ticket.covers = {.log_start = log_start_, .offset = end_, .segment_base = tail_base_, .position = tail_bytes_};
  if (state.epochs_are_dirty && means == SyncMeans::files) save_epochs(state, ticket);
  if (state.epochs_are_dirty && means == SyncMeans::journal) ticket.moves_recovery_point = false;
  return ticket;
}

/// Epochs below the recovery point are not read again from the batches, so their file becomes durable with the bytes.
void Log::save_epochs(LoadedLog& state, SyncTicket& ticket) {
  const std::string path = place_.directory + "/" + std::string(kEpochFile);
  Result<std::shared_ptr<File>> file = write_unsynced(*place_.files, path, state.epochs.encode());
  ticket.moves_recovery_point = file.has_value();
  if (!file) return;
  ticket.files.push_back(std::move(*file));
  if (ticket.directories.empty()) ticket.directories.push_back(place_.directory);
  ticket.epochs_saved = state.epochs;
}

std::uint64_t Log::fresh_bytes() const {
  if (is_offline() || loaded_ == nullptr || !is_behind(durable_, {.offset = end_, .segment_base = tail_base_})) return 0;
  if (durable_.segment_base == tail_base_) return tail_bytes_ - durable_.position;
  std::uint64_t bytes = 0;
  for (std::size_t at = loaded_->segment_of(durable_.segment_base); at < loaded_->segments.size(); ++at) {
    bytes += loaded_->segments[at]->size_bytes();
  }
  return bytes - durable_.position;
}

std::uint64_t Log::unlisted_bytes() const {
  const RecoveryPoint known = in_manifest_.value_or(RecoveryPoint{});
  if (!is_behind(known, recovery_point_)) return 0;
  if (known.segment_base == recovery_point_.segment_base) return recovery_point_.position - known.position;
  // What the segments between have is not worth being found out.
  return recovery_point_.position + config_.segment_bytes;
}

void Log::finish_sync(const SyncTicket& ticket) {
  DCHECK(rounds_under_way_ > 0);
  --rounds_under_way_;
  // Also of one that went offline meanwhile: it was acknowledged, and the journal has to keep it.
  if (is_behind(durable_, ticket.covers)) durable_ = ticket.covers;
  if (is_offline()) return;
  if (ticket.means == SyncMeans::journal) return;
  if (ticket.files_made == files_made_) directory_is_dirty_ = false;
  if (loaded_ != nullptr) mark_synced(*loaded_, ticket);
  if (loaded_ != nullptr && ticket.epochs_saved == loaded_->epochs) loaded_->epochs_are_dirty = false;
  if (ticket.cuts_made == cuts_made_) has_unsynced_cut_ = false;
  if (ticket.moves_recovery_point && is_behind(recovery_point_, ticket.covers)) recovery_point_ = ticket.covers;
}

void Log::mark_synced(LoadedLog& state, const SyncTicket& ticket) {
  const RecoveryPoint& through = ticket.covers;
  if (state.segments.empty()) return;
  for (std::size_t at = state.segment_of(recovery_point_.segment_base); at < state.segments.size(); ++at) {
    Segment& segment = *state.segments[at];
    if (segment.base() > through.segment_base) break;
    const bool is_whole = segment.base() < through.segment_base;  // Sealed before the round began.
    const std::uint64_t synced = is_whole ? segment.size_bytes() : through.position;
    segment.set_synced_bytes(std::max(segment.synced_bytes(), synced));
    if (ticket.cuts_made == cuts_made_) segment.set_unsynced_cut(false);
    if (is_whole && &segment != state.warm) segment.cool();
  }
}

RecoveryPoint Log::recovery_state() {
  RecoveryPoint point = recovery_point_;
  point.log_start = log_start_;
  for_manifest_ = point;
  return point;
}

void Log::manifest_written() {
  // Nothing is handed out once it is offline, so what was last may be of a manifest that could not be written.
  if (for_manifest_ && !is_offline()) in_manifest_ = for_manifest_;
  for_manifest_.reset();
}

Result<void> Log::checkpoint() {
  if (is_offline()) return Errc::offline;
  // While it is cut back, what is loaded still knows of producers whose batches go.
  if (loaded_ == nullptr || loaded_->tail() == nullptr || truncation_) return {};
  LoadedLog& state = *loaded_;
  if (!state.snapshots.empty() && state.snapshots.back() == end_ && !state.epochs_are_dirty) return {};
  if (const Result<void> written = state.tail()->write_index(); !written) return written.error();
  if (state.epochs_are_dirty) {
    // Stays dirty: only a round makes it durable.
    const auto written = write_unsynced(*place_.files, place_.directory + "/" + std::string(kEpochFile), state.epochs.encode());
    if (!written) return written.error();
  }
  return save_snapshot(state);
}

Result<void> Log::save_snapshot(LoadedLog& state) {
  if (!state.snapshots.empty() && state.snapshots.back() == end_) return {};
  const std::vector<ProducerEntry> entries = state.producers.entries();
  const std::string path = offset_file(place_.directory, end_, kSnapshotSuffix);
  const auto written = write_unsynced(*place_.files, path, encode_producer_snapshot(entries));
  if (!written) return written.error();
  state.snapshots.push_back(end_);
  drop_old_snapshots(state);
  return {};
}

/// The next opening takes the newest one at or below the recovery point that the manifest then has, and an older one if that is bad.
void Log::drop_old_snapshots(LoadedLog& state) {
  const Offset named = in_manifest_ ? in_manifest_->offset : Offset{0};
  const auto above = std::ranges::upper_bound(state.snapshots, named);
  const auto old = static_cast<std::size_t>(above - state.snapshots.begin());
  const std::size_t young = state.snapshots.size() - old;
  std::vector<Offset> kept;
  for (std::size_t at = 0; at < state.snapshots.size(); ++at) {
    const bool stays = at < old ? at + kKeptSnapshots >= old : at - old + kKeptYoungSnapshots >= young;
    const Offset offset = state.snapshots[at];
    if (stays || !place_.files->remove(offset_file(place_.directory, offset, kSnapshotSuffix))) kept.push_back(offset);
  }
  state.snapshots = std::move(kept);
}

}  // namespace tidelog::storage
