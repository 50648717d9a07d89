#include "storage/log/segment.h"

#include "storage/log/damage_scan.h"
#include "storage/log/file_names.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

Bytes as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// A missing file reads as an empty one; what is too large to be right as well.
Result<std::string> read_or_empty(FileSystem& files, const std::string& path, std::uint64_t limit_bytes) {
  Result<std::string> contents = read_file(files, path, limit_bytes);
  if (!contents && (contents.error() == Errc::not_found || contents.error() == Errc::too_large)) return std::string();
  return contents;
}

/// Adds what `walk` passes to the index. The walk stands at the front or at a batch that is indexed already.
Result<void> index_rest(SegmentIndex& index, HeaderWalk& walk) {
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more) return {};
    if (walk.header().base_offset < index.base() || walk.header().last_offset() - index.base() > INT32_MAX) return Errc::corrupt;
    index.add(walk.header(), walk.position());
  }
}

}  // namespace

Result<std::shared_ptr<File>> write_unsynced(FileSystem& files, const std::string& path, std::string_view contents) {
  const std::string beside = path + std::string(kTempSuffix);
  Result<std::unique_ptr<File>> file = files.open(beside, OpenMode::replace);
  if (!file) return file.error();
  const std::array<Bytes, 1> parts{std::as_bytes(std::span(contents))};
  Result<void> done = (*file)->write_at(0, parts);
  if (done) done = files.rename(beside, path);
  if (done) return std::shared_ptr<File>(std::move(*file));
  static_cast<void>(files.remove(beside).has_value());  // Opening the log removes it, too.
  return done.error();
}

std::string Segment::path(std::string_view suffix) const { return offset_file(place_.directory, base_, suffix); }

Result<void> Segment::make_file() {
  Result<std::unique_ptr<File>> made = place_.files->open(path(kLogSuffix), OpenMode::create);
  if (!made) return made.error();
  const Result<std::uint64_t> size = (*made)->size();
  if (!size) return size.error();
  if (*size != 0) return Errc::exists;
  file_ = std::move(*made);
  is_writable_ = true;
  index_ = std::make_unique<SegmentIndex>(base_, config_.index_interval_bytes);
  return {};
}

Result<std::shared_ptr<File>> Segment::file() {
  if (file_ == nullptr) {
    Result<std::unique_ptr<File>> opened = place_.files->open(path(kLogSuffix), OpenMode::read);
    if (!opened) return opened.error();
    file_ = std::move(*opened);
    is_writable_ = false;
  }
  return file_;
}

Result<std::shared_ptr<File>> Segment::writable_file() {
  if (file_ == nullptr || !is_writable_) {
    Result<std::unique_ptr<File>> opened = place_.files->open(path(kLogSuffix), OpenMode::write);
    if (!opened) return opened.error();
    file_ = std::move(*opened);
    is_writable_ = true;
  }
  return file_;
}

void Segment::grow(const BatchHeader& batch) {
  if (index_ != nullptr) index_->add(batch, size_bytes_);
  if (chained_to_ != size_bytes_) chained_from_ = size_bytes_;
  size_bytes_ += batch.size_bytes;
  chained_to_ = size_bytes_;  // It was stamped by us.
  newest_.reset();
}

void Segment::shrink(std::uint64_t size_bytes, std::vector<DamagedRange> holes) {
  size_bytes_ = size_bytes;
  synced_bytes_ = std::min(synced_bytes_, size_bytes);
  set_holes(std::move(holes));
}

HeaderWalk Segment::walk_from(const File& file, std::uint64_t position) const { return {file, position, size_bytes_, holes_}; }

void Segment::set_holes(std::vector<DamagedRange> holes) {
  holes_ = std::move(holes);
  chained_from_ = chained_to_ = 0;
  is_broken_ = false;
  index_.reset();
  newest_.reset();
}

Result<std::vector<DamagedRange>> Segment::examine(Offset end) {
  if (examined_bytes_ == size_bytes_) return std::vector<DamagedRange>{};
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  ScanState state{.next_offset = base_};
  const Stretch all{.file = **file, .segment_base = base_, .position = 0, .end = size_bytes_, .limit = end};
  Result<ScanResult> found = scan_over_damage(all, ScanDepth::headers, state);
  if (!found) return found.error();
  examined_bytes_ = size_bytes_;
  if (state.next_offset < end) {
    found->damaged.push_back(
        {.from = state.next_offset, .to = end, .segment_base = base_, .position = found->valid_end, .end_position = size_bytes_});
  }
  return std::move(found->damaged);
}

Result<bool> Segment::check_chain(const Boundary& from, const Boundary& to) {
  if (from.position >= chained_from_ && to.position <= chained_to_) return true;
  const bool goes_on = from.position >= chained_from_ && from.position <= chained_to_;
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  if (!(*file)->is_cached(from.position, to.position - from.position)) return false;
  // From where the slice begins even if part of it was seen: what was seen last need not have been known by its offset.
  if (const Result<void> checked = storage::check_chain(**file, from, to); !checked) return checked.error();
  chained_from_ = goes_on ? chained_from_ : from.position;
  chained_to_ = goes_on ? std::max(chained_to_, to.position) : to.position;
  return true;
}

Result<const SegmentIndex*> Segment::index() {
  if (index_ == nullptr) {
    if (const Result<void> loaded = load_index(); !loaded) return loaded.error();
  }
  return index_.get();
}

Result<SegmentIndex::Newest> Segment::newest() {
  if (newest_ && index_ == nullptr) return *newest_;
  const Result<const SegmentIndex*> index = this->index();
  if (!index) return index.error();
  return (*index)->newest();
}

Result<TimestampMs> Segment::first_timestamp() {
  if (size_bytes_ == 0) return TimestampMs{-1};
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, 0);
  walk.expect(base_);
  const Result<bool> found = walk.next();
  if (!found) return found.error();
  return *found ? walk.header().max_timestamp : TimestampMs{-1};
}

bool Segment::index_is_full(std::size_t more_entries) const {
  return index_ != nullptr && index_->file_bytes() + more_entries * 8 > config_.segment_index_bytes;
}

Result<void> Segment::load_index() {
  auto index = std::make_unique<SegmentIndex>(base_, config_.index_interval_bytes);
  const Result<bool> usable = read_index_files(*index);
  if (!usable) return usable.error();
  if (!*usable) return rebuild_index();
  index_ = std::move(index);
  return {};
}

/// False: the files cannot be right. Otherwise the index is complete: what the files do not cover yet was found by walking on.
Result<bool> Segment::read_index_files(SegmentIndex& index) {
  const std::uint64_t most_batches = size_bytes_ / proto::kBatchHeaderBytes + 1;
  const Result<std::string> offsets = read_or_empty(*place_.files, path(kIndexSuffix), most_batches * 8);
  if (!offsets) return offsets.error();
  const Result<std::string> times = read_or_empty(*place_.files, path(kTimeIndexSuffix), most_batches * 12 + SegmentIndex::kSealBytes);
  if (!times) return times.error();
  if (offsets->empty() || !index.decode(as_bytes(*offsets), as_bytes(*times), size_bytes_)) return false;
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, index.resume_position());
  const Result<bool> first = walk.next();
  if (!first && first.error() != Errc::corrupt) return first.error();
  if (!first || !*first || !index.resume(walk.header())) return false;
  const Result<void> rest = index_rest(index, walk);
  if (!rest && rest.error() == Errc::corrupt) return false;
  if (!rest) return rest.error();
  return true;
}

Result<void> Segment::rebuild_index() {
  if (is_broken_) return Errc::corrupt;
  auto index = std::make_unique<SegmentIndex>(base_, config_.index_interval_bytes);
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, 0);
  walk.expect(base_);
  const Result<void> walked = index_rest(*index, walk);
  is_broken_ = !walked && walked.error() == Errc::corrupt;
  if (!walked) return walked.error();
  index_ = std::move(index);
  return {};
}

Result<void> Segment::write_index() {
  const Result<const SegmentIndex*> index = this->index();
  if (!index) return index.error();
  const auto offsets = write_unsynced(*place_.files, path(kIndexSuffix), (*index)->encode_offsets());
  if (!offsets) return offsets.error();
  const auto times = write_unsynced(*place_.files, path(kTimeIndexSuffix), (*index)->encode_times());
  if (!times) return times.error();
  return {};
}

/// Puts `walk` before the batch of the entry that `choose` picks, else at `otherwise`. An entry that the log contradicts has the index
/// rebuilt, once.
template <class Choose>
Result<void> Segment::seek(HeaderWalk& walk, Choose choose, const Boundary& otherwise) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const SegmentIndex::Entry* entry = choose(*index_);
    walk.seek(entry == nullptr ? otherwise.position : entry->position);
    if (entry == nullptr) return walk.expect(otherwise.offset), Result<void>();
    const Result<bool> found = walk.next();
    if (!found && found.error() != Errc::corrupt) return found.error();
    if (found && *found && walk.header().last_offset() - base_ == static_cast<std::int64_t>(entry->relative_offset)) {
      walk.rewind();
      return {};
    }
    if (const Result<void> rebuilt = rebuild_index(); !rebuilt) return rebuilt.error();
  }
  return Errc::corrupt;
}

Result<BatchPlace> Segment::find(Offset offset) {
  if (const Result<const SegmentIndex*> index = this->index(); !index) return index.error();
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, 0);
  const Result<void> found = seek(walk, [&](const SegmentIndex& index) { return index.floor(offset); }, {base_, 0});
  if (!found) return found.error();
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more) return Errc::not_found;
    if (walk.header().last_offset() >= offset) return BatchPlace{walk.header(), walk.position()};
  }
}

Result<Boundary> Segment::last_boundary(const Boundary& from, std::uint64_t position_limit, Offset offset_limit) {
  if (const Result<const SegmentIndex*> index = this->index(); !index) return index.error();
  const auto choose = [&](const SegmentIndex& index) -> const SegmentIndex::Entry* {
    const SegmentIndex::Entry* by_position = index.floor_position(position_limit);
    const SegmentIndex::Entry* by_offset = index.floor(offset_limit - 1);
    if (by_position == nullptr || by_offset == nullptr) return nullptr;
    const SegmentIndex::Entry* entry = std::min(by_position, by_offset);
    return entry->position > from.position ? entry : nullptr;
  };
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, 0);
  if (const Result<void> found = seek(walk, choose, from); !found) return found.error();
  Boundary boundary = from;
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    const bool is_behind_a_hole = *more && walk.header().base_offset > offset_limit;
    if (!*more || is_behind_a_hole) return boundary;
    boundary = {walk.header().base_offset, walk.position()};
    if (walk.next_position() > position_limit || walk.header().next_offset() > offset_limit) return boundary;
    boundary = {walk.header().next_offset(), walk.next_position()};
  }
}

Result<std::uint64_t> Segment::position_before(TimestampMs timestamp) {
  const Result<const SegmentIndex*> index = this->index();
  if (!index) return index.error();
  const SegmentIndex::TimeEntry* time = (*index)->before(timestamp);
  if (time == nullptr) return std::uint64_t{0};
  const SegmentIndex::TimeEntry entry = *time;  // `find` may rebuild the index under it.
  const Result<BatchPlace> place = find(base_ + entry.relative_offset);
  if (!place && place.error() != Errc::not_found) return place.error();
  const bool holds =
      place && place->header.last_offset() == base_ + entry.relative_offset && place->header.max_timestamp == entry.timestamp;
  // A time index that lies could hide a record: then every batch is looked at.
  return holds ? place->position : std::uint64_t{0};
}

Result<std::uint64_t> Segment::position_before(Offset offset) {
  if (const Result<const SegmentIndex*> index = this->index(); !index) return index.error();
  const Result<std::shared_ptr<File>> file = this->file();
  if (!file) return file.error();
  HeaderWalk walk = walk_from(**file, 0);
  const Result<void> found = seek(walk, [&](const SegmentIndex& index) { return index.floor(offset); }, {base_, 0});
  if (!found) return found.error();
  return walk.next_position();
}

void Segment::adopt(std::shared_ptr<File> file, std::unique_ptr<SegmentIndex> index) {
  file_ = std::move(file);
  index_ = std::move(index);
  synced_bytes_ = size_bytes_;
  is_pinned_ = true;
}

void Segment::cool() {
  if (is_pinned_) return;
  if (index_ != nullptr) newest_ = index_->newest();
  index_.reset();
  if (!is_dirty()) file_.reset();
}

std::size_t Segment::memory_bytes() const {
  return sizeof *this + (index_ == nullptr ? 0 : sizeof *index_ + index_->memory_bytes()) + (file_ == nullptr ? 0 : 64);
}

}  // namespace tidelog::storage
