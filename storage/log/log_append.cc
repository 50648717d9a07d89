#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// What one call of `append` brings.
struct Incoming {
  std::uint64_t size_bytes = 0;
  Offset last_offset{-1};
  TimestampMs max_timestamp{-1};
};

/// `Errc::invalid` unless the batches are whole and continue the log at `expected` in `epoch` or later ones. Recovery takes anything else
/// for torn, so it must not get in.
Result<Incoming> measure(std::span<const Bytes> batches, Offset expected, LeaderEpoch epoch) {
  Incoming incoming;
  for (const Bytes batch : batches) {
    const Result<BatchHeader> header = parse_batch_header(batch);
    if (!header || header->size_bytes != batch.size()) return Errc::invalid;
    if (header->base_offset != expected || header->leader_epoch < epoch) return Errc::invalid;
    epoch = header->leader_epoch;
    expected = header->next_offset();
    incoming.size_bytes += batch.size();
    incoming.max_timestamp = std::max(incoming.max_timestamp, header->max_timestamp);
  }
  incoming.last_offset = expected - 1;
  return incoming;
}

}  // namespace

Result<Offset> Log::append(std::span<const Bytes> batches) {
  const Result<LoadedLog*> state = loaded();
  if (!state) return state.error();
  if (batches.empty()) return end_;
  Result<void> done = truncation_ ? Result<void>(Errc::busy) : make_room(**state, batches);
  if (done) done = write(**state, batches);
  if (!done) {
    (*state)->producers.refuse_staged();
    return done.error();
  }
  apply(**state, batches);
  (*state)->producers.drop_staged();
  return end_;
}

/// Rolls if these batches do not belong into the tail.
Result<void> Log::make_room(LoadedLog& state, std::span<const Bytes> batches) {
  const Result<Incoming> incoming = measure(batches, end_, state.epochs.latest());
  if (!incoming) return incoming.error();
  if (incoming->size_bytes > kMaxSegmentBytes || incoming->last_offset - end_ > INT32_MAX) return Errc::too_large;
  Segment* tail = state.tail();
  if (tail == nullptr) return roll(state);
  if (tail->size_bytes() == 0) return {};
  const std::uint64_t limit = std::min(config_.segment_bytes, kMaxSegmentBytes);
  const bool is_full = tail->size_bytes() + incoming->size_bytes > limit;
  const bool is_old = state.tail_since.value >= 0 && incoming->max_timestamp - state.tail_since > config_.segment_ms;
  const bool overflows = incoming->last_offset - tail->base() > INT32_MAX;
  const std::size_t most_entries = incoming->size_bytes / std::max(config_.index_interval_bytes, 1U) + 1;
  if (is_full || is_old || overflows || tail->index_is_full(most_entries)) return roll(state);
  return {};
}

/// Begins a new segment at the end. On error the old one stays the tail, and nothing else has changed.
Result<void> Log::roll(LoadedLog& state) {
  auto segment = std::make_unique<Segment>(place_, config_, end_, 0);
  if (const Result<void> made = segment->make_file(); !made) return made.error();
  directory_is_dirty_ = true;
  ++files_made_;
  if (Segment* sealed = state.tail()) {
    // Both only save work later, so that a full disk does not fail the append.
    static_cast<void>(sealed->write_index().has_value());
    static_cast<void>(save_snapshot(state).has_value());
    if (state.warm != nullptr) state.warm->cool();
    state.warm = sealed;  // Tail readers are still in it.
  }
  state.segments.push_back(std::move(segment));
  state.tail_since = {-1};
  tail_base_ = end_;
  tail_bytes_ = 0;
  return {};
}

/// In full, or not at all.
Result<void> Log::write(LoadedLog& state, std::span<const Bytes> batches) {
  const Result<std::shared_ptr<File>> file = state.tail()->writable_file();
  if (!file) return file.error();
  const Result<void> written = (*file)->write_at(tail_bytes_, batches);
  if (written) return {};
  // A disk that became read-only takes nothing and cuts nothing: what it has is as good as before.
  const Result<std::uint64_t> size = (*file)->size();
  if (size && *size == tail_bytes_) return written.error();
  // The cut has to be durable before anything behind it is acknowledged: if the next batch begins a new segment, and power loss brings back
  // what was cut, recovery stops there and everything behind it is lost.
  state.tail()->set_unsynced_cut(true);
  has_unsynced_cut_ = true;
  ++cuts_made_;
  if (const Result<void> cut = (*file)->truncate(tail_bytes_); !cut) {
    // Part of a batch may stand behind the end, where the next append would leave a hole or worse.
    take_offline(place_.directory + ": a failed write could not be cut back: " + std::string(name(cut.error())));
  }
  return written.error();
}

void Log::apply(LoadedLog& state, std::span<const Bytes> batches) {
  Segment& tail = *state.tail();
  for (const Bytes batch : batches) {
    const Result<BatchHeader> header = parse_batch_header(batch);  // `measure` found it whole.
    if (tail.size_bytes() == 0) state.tail_since = header->max_timestamp;
    if (header->leader_epoch > state.epochs.latest() && state.epochs.assign(header->leader_epoch, header->base_offset)) {
      state.epochs_are_dirty = true;
    }
    if (header->has_producer()) state.producers.apply(*header);
    tail.grow(*header);
    end_ = header->next_offset();
  }
  tail_bytes_ = tail.size_bytes();
  state.marks.note_append(tail_base_, {end_, tail_bytes_});
}

}  // namespace tidelog::storage
