#include "proto/record/reader.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// Records of a batch that count: those between log start and limit.
struct OffsetRange {
  Offset from;
  Offset limit;
  [[nodiscard]] bool holds(Offset offset) const { return offset >= from && offset < limit; }
  [[nodiscard]] bool overlaps(const BatchHeader& batch) const { return batch.last_offset() >= from && batch.base_offset < limit; }
};

/// Calls `visit(const RecordView&)` for the records of the batch at `place` within `range` until it returns false.
template <class Visit>
Result<void> visit_records(Segment& segment, const BatchPlace& place, const OffsetRange& range, Visit visit) {
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  std::vector<std::byte> bytes(place.header.size_bytes);  // The walk saw that the file has as many.
  const Result<std::size_t> got = (*file)->read_at(place.position, bytes);
  if (!got) return got.error();
  const Result<proto::BatchView> batch = proto::BatchView::parse(Bytes(bytes).first(*got));
  if (!batch) return batch.error();
  proto::RecordReader reader;
  if (const Result<void> opened = reader.open(*batch); !opened) return opened.error();
  proto::RecordView record;
  while (true) {
    const Result<bool> more = reader.next(record);
    if (!more) return more.error();
    if (!*more) return {};
    if (range.holds(record.offset) && !visit(record)) return {};
  }
}

Result<std::optional<TimestampedOffset>> first_in_batch(Segment& segment, const BatchPlace& place, const OffsetRange& range,
                                                        TimestampMs timestamp) {
  std::optional<TimestampedOffset> found;
  const Result<void> done = visit_records(segment, place, range, [&](const proto::RecordView& record) {
    if (record.timestamp < timestamp) return true;
    found = TimestampedOffset{record.offset, record.timestamp, place.header.leader_epoch};
    return false;
  });
  if (!done) return done.error();
  return found;
}

Result<std::optional<TimestampedOffset>> greatest_in_batch(Segment& segment, const BatchPlace& place, const OffsetRange& range) {
  std::optional<TimestampedOffset> found;
  const Result<void> done = visit_records(segment, place, range, [&](const proto::RecordView& record) {
    if (!found || record.timestamp > found->timestamp)
      found = TimestampedOffset{record.offset, record.timestamp, place.header.leader_epoch};
    return true;
  });
  if (!done) return done.error();
  return found;
}

Result<std::optional<TimestampedOffset>> first_in_segment(Segment& segment, const OffsetRange& range, TimestampMs timestamp) {
  const Result<std::uint64_t> position = segment.position_before(timestamp);
  if (!position) return position.error();
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  HeaderWalk walk(**file, *position, segment.size_bytes());
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more || walk.header().base_offset >= range.limit) return std::optional<TimestampedOffset>{};
    if (walk.header().max_timestamp < timestamp || !range.overlaps(walk.header())) continue;
    // The header may promise more than the records keep: a compressed batch is not looked into when it is produced (R18).
    const auto found = first_in_batch(segment, {walk.header(), walk.position()}, range, timestamp);
    if (!found || found->has_value()) return found;
  }
}

/// The batch with the greatest timestamp among those within `range`, by its headers.
Result<std::optional<BatchPlace>> newest_batch(Segment& segment, const OffsetRange& range) {
  const Result<std::shared_ptr<File>> file = segment.file();
  if (!file) return file.error();
  std::optional<BatchPlace> newest;
  HeaderWalk walk(**file, 0, segment.size_bytes());
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more || walk.header().base_offset >= range.limit) return newest;
    const bool is_newer = !newest || walk.header().max_timestamp > newest->header.max_timestamp;
    if (is_newer && range.overlaps(walk.header())) newest = BatchPlace{walk.header(), walk.position()};
  }
}

}  // namespace

Result<std::optional<TimestampedOffset>> Log::offset_for_timestamp(TimestampMs timestamp, Offset limit) {
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  const OffsetRange range{log_start_, std::min(limit, end_)};
  if (range.from >= range.limit) return std::optional<TimestampedOffset>{};
  for (std::size_t at = state.segment_of(log_start_); at < state.segments.size(); ++at) {
    Segment& segment = state.use(at);
    if (segment.base() >= range.limit) break;
    const Result<SegmentIndex::Newest> newest = segment.newest();
    if (!newest) return newest.error();
    if (newest->timestamp < timestamp) continue;
    const auto found = first_in_segment(segment, range, timestamp);
    if (!found || found->has_value()) return found;
  }
  return std::optional<TimestampedOffset>{};
}

Result<std::optional<TimestampedOffset>> Log::max_timestamp(Offset limit) {
  const Result<LoadedLog*> loaded = this->loaded();
  if (!loaded) return loaded.error();
  LoadedLog& state = **loaded;
  std::optional<TimestampedOffset> best;
  const Offset end = std::min(limit, end_);
  if (log_start_ >= end) return best;
  for (std::size_t at = state.segment_of(log_start_); at < state.segments.size(); ++at) {
    if (state.segments[at]->base() >= end) break;
    const Result<SegmentIndex::Newest> newest = state.use(at).newest();
    if (!newest) return newest.error();
    if (best && newest->timestamp <= best->timestamp) continue;
    const auto found = greatest_below(state, at, end);
    if (!found) return found.error();
    if (found->has_value() && (!best || (*found)->timestamp > best->timestamp)) best = *found;
  }
  return best;
}

/// The record with the greatest timestamp of one segment, between log start and `limit`.
Result<std::optional<TimestampedOffset>> Log::greatest_below(LoadedLog& state, std::size_t at, Offset limit) {
  Segment& segment = state.use(at);
  const OffsetRange range{log_start_, limit};
  const Result<SegmentIndex::Newest> newest = segment.newest();
  if (!newest) return newest.error();
  if (newest->offset.value >= 0 && range.holds(newest->offset)) {
    const Result<BatchPlace> place = segment.find(newest->offset);
    if (!place) return place.error();
    if (place->header.base_offset >= log_start_) return greatest_in_batch(segment, *place, range);
  }
  // The newest batch is partly or wholly out of bounds, so headers have to say which one is.
  const Result<std::optional<BatchPlace>> place = newest_batch(segment, range);
  if (!place) return place.error();
  if (!place->has_value()) return std::optional<TimestampedOffset>{};
  return greatest_in_batch(segment, **place, range);
}

}  // namespace tidelog::storage
