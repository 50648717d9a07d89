#include "storage/compaction/cleaning.h"

#include "proto/base/check.h"
#include "storage/log/file_names.h"
#include "storage/log/header_walk.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

std::uint64_t dirty_offsets(const CleaningPlan& plan) { return static_cast<std::uint64_t>(plan.dirty_end - plan.dirty_from); }

}  // namespace

Cleaning::Cleaning(CleaningTask task)
    : task_(std::move(task)),
      map_(task_.means.map_bytes, dirty_offsets(task_.plan), task_.means.load_factor, task_.means.secret),
      source_(task_.means.buffer_bytes),
      end_(task_.plan.dirty_end) {
  map_.reset(task_.plan.dirty_from);
  // Where nothing is dirty, nothing is mapped.
  const auto is_dirty = [&](const SegmentFacts& segment) { return segment.end > task_.plan.dirty_from; };
  segment_ = static_cast<std::size_t>(std::ranges::find_if(task_.plan.segments, is_dirty) - task_.plan.segments.begin());
}

Cleaning::~Cleaning() {
  if (writer_ != nullptr) writer_->discard();
}

Result<Cleaning::State> Cleaning::step(std::uint64_t most_bytes) {
  std::uint64_t moved = 0;
  do {
    if (phase_ == Phase::done) return State::done;
    const Result<void> done = phase_ == Phase::mapping ? map_some() : copy_some();
    if (!done) return done.error();
    if (ready_) return State::ready;
    moved += take_moved_bytes();
  } while (moved < most_bytes);
  return State::working;
}

std::uint64_t Cleaning::take_moved_bytes() {
  const std::uint64_t read = source_.take_read_bytes();
  const std::uint64_t written = writer_ == nullptr ? 0 : writer_->take_written_bytes();
  counts_.read_bytes += read;
  counts_.written_bytes += written;
  return read + written;
}

Result<void> Cleaning::failed(Errc error) {
  const std::size_t at = std::min(segment_, task_.plan.segments.size() - 1);
  trouble_ = offset_file(task_.place.directory, task_.plan.segments[at].base, kLogSuffix) + ", position " +
             std::to_string(source_.position()) + ": " + std::string(name(error));
  return error;
}

/// Whether segment `at` is there and begins below the end.
bool Cleaning::is_touched(std::size_t at) const { return at < task_.plan.segments.size() && task_.plan.segments[at].base < end_; }

/// Whether it becomes part of what is being written.
bool Cleaning::joins(std::size_t at) const {
  const std::vector<SegmentFacts>& segments = task_.plan.segments;
  const std::uint64_t most_bytes = std::min(task_.config.segment_bytes, kMaxSegmentBytes);
  return is_touched(at) && joins_segment(segments[at], segments[group_].base, writer_->size_bytes(), most_bytes);
}

/// False: it is not to be touched.
Result<bool> Cleaning::open_segment(std::size_t at) {
  const std::vector<SegmentFacts>& segments = task_.plan.segments;
  if (!is_touched(at)) return false;
  Result<std::unique_ptr<File>> file =
      task_.place.files->open(offset_file(task_.place.directory, segments[at].base, kLogSuffix), OpenMode::read);
  if (!file) return failed(file.error()).error();
  source_.open(std::move(*file), segments[at].size_bytes, segments[at].base);
  return true;
}

/// Of the segment that is open. Nothing: the segment is over, or the ends of its transactions were read, and the batch comes with the next
/// call.
Result<std::optional<proto::BatchView>> Cleaning::next_batch() {
  const Result<std::optional<proto::BatchView>> batch = source_.next();
  if (!batch) return failed(batch.error()).error();
  if (!*batch) {
    source_.close();
    ++segment_;
  } else if (needs_ends(**batch)) {
    source_.rewind();
    if (const Result<void> read = read_transaction_ends(); !read) return read.error();
    return std::optional<proto::BatchView>{};
  }
  return batch;
}

/// Maps one batch, or goes on to the next segment.
Result<void> Cleaning::map_some() {
  if (!source_.is_open()) {
    const Result<bool> opened = open_segment(segment_);
    if (!opened) return opened.error();
    if (!*opened) return begin_copying(end_), Result<void>();
  }
  const Result<std::optional<proto::BatchView>> batch = next_batch();
  if (!batch) return batch.error();
  if (!*batch) return {};
  return map_batch(**batch);
}

Result<void> Cleaning::map_batch(const proto::BatchView& batch) {
  const Offset from = std::max(task_.plan.dirty_from, task_.plan.log_start);
  if (batch.is_control() || batch.record_count() == 0 || batch.last_offset() < from) return {};
  if (batch.is_transactional()) {
    const std::optional<TransactionEnd> end = ends_.end_of(batch.producer_id(), batch.base_offset());
    if (!end) {  // Its marker is in a later segment: what the batch comes to is for the pass that sees it.
      task_.plan.dirty_end = std::max(task_.plan.dirty_from, batch.base_offset());
      return begin_copying(task_.plan.dirty_end), Result<void>();
    }
    if (end == TransactionEnd::abort) return {};  // Nobody's newest.
  }
  const Result<void> opened = reader_.open(batch, opening_limit(batch, task_.config.max_message_bytes));
  if (!opened) return failed(opened.error());
  proto::RecordView record;
  while (true) {
    const Result<bool> more = reader_.next(record);
    if (!more) return failed(more.error());
    if (!*more) return {};
    if (!holds(batch, record)) return failed(Errc::corrupt);
    if (record.offset < from || record.key.data() == nullptr) continue;
    if (map_.put(record.key, record.offset)) continue;
    begin_copying(record.offset);  // No room for more keys: this pass ends below this one.
    return {};
  }
}

void Cleaning::begin_copying(Offset end) {
  end_ = end;
  source_.close();
  phase_ = Phase::copying;
  filter_.emplace(FilterRules{.now = task_.now,
                              .delete_retention_ms = task_.config.compaction.delete_retention_ms,
                              .log_start = task_.plan.log_start,
                              .dirty_from = task_.plan.dirty_from,
                              .end = end,
                              .codec = task_.config.compaction.codec,
                              .max_message_bytes = task_.config.max_message_bytes},
                  map_, task_.producers, ends_);
  counts_.keys = map_.size();
  counts_.map_bytes = map_.memory_bytes();
  segment_ = 0;
  group_ = 0;
  const bool has_nothing = end == task_.plan.dirty_from && task_.plan.reason != CleaningReason::horizon;
  if (!is_touched(0) || has_nothing) phase_ = Phase::done;
}

/// Copies one batch, or goes on to the next segment or group.
Result<void> Cleaning::copy_some() {
  if (writer_ == nullptr) {
    group_ = segment_;
    auto made = SegmentWriter::make(task_.place, task_.plan.segments[group_].base, task_.config.index_interval_bytes);
    if (!made) return failed(made.error());
    writer_ = std::move(*made);
  }
  if (!source_.is_open()) {
    if (segment_ > group_ && !joins(segment_)) return end_group();
    const Result<bool> opened = open_segment(segment_);
    if (!opened) return opened.error();
  }
  const Result<std::optional<proto::BatchView>> batch = next_batch();
  if (!batch) return batch.error();
  if (!*batch) return {};
  if (const Result<void> taken = filter_->take(**batch, writer_->buffer()); !taken) return failed(taken.error());
  if (const Result<void> written = writer_->flush(task_.means.buffer_bytes); !written) return failed(written.error());
  return {};
}

/// All of a group is copied. Where that changed nothing, the segment stays as it is.
Result<void> Cleaning::end_group() {
  const auto segments = std::span(task_.plan.segments).subspan(group_, segment_ - group_);
  filter_->finish(writer_->buffer());
  for (const SegmentFacts& segment : segments) counts_.bytes_before += segment.size_bytes;
  counts_.bytes_after += writer_->size_bytes();
  counts_.segments_before += segments.size();
  counts_.segments_after += 1;
  const bool has_changed = filter_->take_changed() || segments.size() > 1;
  if (!is_touched(segment_)) phase_ = Phase::done;
  if (has_changed) {
    Result<CleanedSegment> ready = writer_->finish({.base = segments.front().base, .end = segments.back().end});
    static_cast<void>(take_moved_bytes());
    if (!ready) return failed(ready.error());
    ready->replaces.assign(segments.begin(), segments.end());
    ready_ = std::move(*ready);
  } else {
    static_cast<void>(take_moved_bytes());
    writer_->discard();
  }
  writer_.reset();
  return {};
}

CleanedSegment Cleaning::take_ready() {
  DCHECK(ready_.has_value());
  CleanedSegment ready = std::move(*ready_);
  ready_.reset();
  return ready;
}

bool Cleaning::needs_ends(const proto::BatchView& batch) const {
  return !knows_ends_ && batch.has_producer_id() && (batch.is_transactional() || batch.is_control());
}

/// In one go: a log with transactions has its headers read once more, and nothing else.
Result<void> Cleaning::read_transaction_ends() {
  // Segments before those that are being copied may have been replaced, and none of their markers is behind a batch that comes now.
  const std::size_t from = phase_ == Phase::mapping ? 0 : group_;
  for (const SegmentFacts& segment : std::span(task_.plan.segments).subspan(from)) {
    if (const Result<void> noted = note_markers(segment); !noted) return failed(noted.error());
  }
  knows_ends_ = true;
  return {};
}

Result<void> Cleaning::note_markers(const SegmentFacts& segment) {
  const Result<std::unique_ptr<File>> file =
      task_.place.files->open(offset_file(task_.place.directory, segment.base, kLogSuffix), OpenMode::read);
  if (!file) return file.error();
  HeaderWalk walk(**file, 0, segment.size_bytes);
  std::vector<std::byte> bytes;
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more) return {};
    if (!walk.header().is_control() || !walk.header().has_producer()) continue;
    constexpr std::uint32_t kLargestMarker = 64U << 10;
    if (walk.header().size_bytes > kLargestMarker) return Errc::corrupt;
    bytes.resize(walk.header().size_bytes);
    const Result<std::size_t> got = (*file)->read_at(walk.position(), bytes);
    if (!got) return got.error();
    const Result<proto::BatchView> control = proto::BatchView::parse(Bytes(bytes).first(*got));
    if (!control || !control->crc_ok()) return Errc::corrupt;
    const Result<std::optional<TransactionEnd>> end = transaction_end(*control);
    if (!end) return end.error();
    if (end->has_value()) ends_.note(walk.header().producer_id, walk.header().base_offset, **end);
  }
}

CleanedUpTo Cleaning::cleaned() const {
  DCHECK(phase_ == Phase::done);
  if (counts_.segments_before == 0) return task_.plan.before;  // Nothing was copied.
  return {.offset = end_, .earliest_horizon = filter_->earliest_horizon()};
}

CleaningCounts Cleaning::counts() const {
  CleaningCounts counts = counts_;
  if (filter_) counts.filter = filter_->counts();
  return counts;
}

}  // namespace tidelog::storage
