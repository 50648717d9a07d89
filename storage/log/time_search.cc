#include "storage/log/time_search.h"

#include <algorithm>
#include <utility>

namespace tidelog::storage {
namespace {

/// So many headers are read in one piece, each of which may be a read of the disk.
constexpr int kHeadersAPiece = 1024;

}  // namespace

Result<void> TimeSearch::read_piece() {
  if (!has_stretch()) return {};
  return question_.at_least ? read_for_first() : read_for_newest();
}

Result<void> TimeSearch::read_for_first() {
  HeaderWalk walk(*stretch_.file, stretch_.position, stretch_.end, stretch_.holes);
  if (stretch_.expected) walk.expect(*stretch_.expected);  // So only a known hole makes it go on with another.
  for (int count = 0; count < kHeadersAPiece; ++count) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more && !stretch_.holes.empty() && stretch_.holes.back().end_position == stretch_.segment_end) return refuse();
    // What was stepped over may have held the record, if it does not end below the log start.
    const bool is_behind_a_hole = *more && stretch_.expected && walk.header().base_offset != *stretch_.expected;
    if (is_behind_a_hole && walk.header().base_offset > range_.from) return refuse();
    if (!*more || walk.header().base_offset >= range_.limit) {
      end_stretch();
      return {};
    }
    stretch_.expected = walk.header().next_offset();
    stretch_.position = walk.next_position();
    if (walk.header().record_count == 0) continue;  // Compaction emptied it.
    if (walk.header().max_timestamp < *question_.at_least || !range_.overlaps(walk.header())) continue;
    return open_for_first({walk.header(), walk.position()});
  }
  return {};
}

Result<void> TimeSearch::open_for_first(const BatchPlace& place) {
  std::optional<TimestampedOffset> first;
  const Visit visit = [&](const proto::RecordView& record) {
    if (record.timestamp < *question_.at_least) return true;
    first = TimestampedOffset{record.offset, record.timestamp, place.header.leader_epoch};
    return false;
  };
  const Result<bool> is_known = visit_records(place, visit);
  if (!is_known) return is_known.error();
  if (!*is_known) first = as_claimed(place.header);
  if (first) {
    found_ = first;
    finish();
  } else {
    ++opened_in_vain_;
  }
  return {};
}

/// The batch with the greatest timestamp of the stretch, by its headers, is the one to open.
Result<void> TimeSearch::read_for_newest() {
  HeaderWalk walk(*stretch_.file, stretch_.position, stretch_.end, stretch_.holes);
  for (int count = 0; count < kHeadersAPiece; ++count) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more || walk.header().base_offset >= range_.limit) {
      const std::optional<BatchPlace> newest = std::exchange(newest_, std::nullopt);
      if (newest && is_better(newest->header.max_timestamp, newest->header.base_offset)) return open_for_newest(*newest);
      end_stretch();
      return {};
    }
    stretch_.position = walk.next_position();
    if (walk.header().record_count == 0) continue;  // Compaction emptied it.
    const bool is_newer = !newest_ || walk.header().max_timestamp > newest_->header.max_timestamp;
    if (!is_newer || !range_.overlaps(walk.header())) continue;
    if (std::ranges::find(disbelieved_, walk.position()) != disbelieved_.end()) continue;
    newest_ = BatchPlace{walk.header(), walk.position()};
  }
  return {};
}

Result<void> TimeSearch::open_for_newest(const BatchPlace& place) {
  std::optional<TimestampedOffset> greatest;
  const Visit visit = [&](const proto::RecordView& record) {
    if (!greatest || record.timestamp > greatest->timestamp)
      greatest = TimestampedOffset{record.offset, record.timestamp, place.header.leader_epoch};
    return true;
  };
  const Result<bool> is_known = visit_records(place, visit);
  if (!is_known) return is_known.error();
  if (!*is_known) greatest = as_claimed(place.header);
  if (greatest && is_better(greatest->timestamp, greatest->offset)) found_ = greatest;
  if (greatest && greatest->timestamp >= place.header.max_timestamp) {
    end_stretch();
    return {};
  }
  // It does not have what it claims, at least not within bounds. So another batch of the segment may have more than it.
  ++opened_in_vain_;
  disbelieved_.push_back(place.position);
  stretch_.position = 0;
  stretch_.end = stretch_.segment_end;
  return {};
}

/// Calls `visit` for the records of the batch that count until it returns false. False: its header has to be believed.
Result<bool> TimeSearch::visit_records(const BatchPlace& place, const Visit& visit) const {
  if (opened_in_vain_ >= kMostOpenedInVain || place.header.size_bytes > question_.max_opened_bytes) return false;
  std::vector<std::byte> bytes(place.header.size_bytes);  // The walk saw that the file has as many.
  const Result<std::size_t> got = stretch_.file->read_at(place.position, bytes);
  if (!got) return got.error();
  const Result<proto::BatchView> batch = proto::BatchView::parse(Bytes(bytes).first(*got));
  if (!batch) return batch.error();
  proto::RecordReader reader;
  const Result<void> opened = reader.open(*batch, {.max_bytes = question_.max_opened_bytes});
  if (!opened && opened.error() == Errc::too_large) return false;
  if (!opened) return opened.error();
  proto::RecordView record;
  while (true) {
    const Result<bool> more = reader.next(record);
    if (!more) return more.error();
    if (!*more) return true;
    if (range_.holds(record.offset) && !visit(record)) return true;
  }
}

TimestampedOffset TimeSearch::as_claimed(const BatchHeader& batch) const {
  return {std::max(batch.base_offset, range_.from), batch.max_timestamp, batch.leader_epoch};
}

/// Than what was found so far.
bool TimeSearch::is_better(TimestampMs timestamp, Offset offset) const {
  if (!found_ || timestamp > found_->timestamp) return true;
  return timestamp == found_->timestamp && offset < found_->offset;
}

}  // namespace tidelog::storage
