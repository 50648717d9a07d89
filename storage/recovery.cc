#include "storage/recovery.h"

#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/swap.h"
#include "storage/log/damage_scan.h"
#include "storage/log/file_names.h"
#include "storage/log/kept_aside.h"
#include "storage/log/log_directory.h"

#include <algorithm>
#include <utility>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kLargestDamageFile = 16U << 20;
constexpr std::uint64_t kCopyBytes = 1U << 20;

/// Puts the bytes `[from, to)` of `source` into a new file `path`, synced.
Result<void> copy_synced(FileSystem& files, const File& source, std::pair<std::uint64_t, std::uint64_t> range, const std::string& path) {
  const Result<std::unique_ptr<File>> made = files.open(path, OpenMode::replace);
  if (!made) return made.error();
  const auto [from, to] = range;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(kCopyBytes, to - from)));
  for (std::uint64_t at = from; at < to;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), to - at));
    const Result<std::size_t> got = source.read_at(at, MutableBytes(buffer).first(count));
    if (!got) return got.error();
    if (*got < count) return Errc::corrupt;
    const Bytes bytes = Bytes(buffer).first(count);
    if (const Result<void> written = (*made)->write_at(at - from, {&bytes, 1}); !written) return written;
    at += count;
  }
  return (*made)->sync();
}

struct SegmentFile {
  Offset base;
  std::uint64_t size_bytes = 0;
};

/// An empty segment, in which the log goes on.
Result<void> begin_file(const LogPlace& place, Offset base, RecoveredFiles& recovered) {
  const Result<std::unique_ptr<File>> made = place.files->open(offset_file(place.directory, base, kLogSuffix), OpenMode::create);
  if (!made) return made.error();
  if (const Result<void> truncated = (*made)->truncate(0); !truncated) return truncated.error();
  if (const Result<void> synced = (*made)->sync(); !synced) return synced.error();
  if (const Result<void> synced = place.files->sync_dir(place.directory); !synced) return synced.error();
  recovered.end = {.log_start = recovered.end.log_start, .offset = base, .segment_base = base};
  return {};
}

/// One log's recovery. Each step leaves files that the next run accepts or repeats.
class Recovery {
 public:
  Recovery(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report)
      : place_(place), files_(*place.files), directory_(place.directory), request_(request), report_(report) {}

  Result<RecoveredFiles> run();

 private:
  [[nodiscard]] std::string path(Offset base, std::string_view suffix = kLogSuffix) const { return offset_file(directory_, base, suffix); }
  [[nodiscard]] static std::string at(Offset offset, std::uint64_t position) {
    return "offset " + std::to_string(offset.value) + ", position " + std::to_string(position);
  }

  Result<void> read_damage();
  void save_damage();
  Result<bool> is_untouched();
  [[nodiscard]] Result<bool> ends_at_point() const;
  /// Nothing of the directory is in question but whether somebody changed it.
  [[nodiscard]] bool is_sure_of_files() const { return request_.was_clean && !request_.had_damage; }
  [[nodiscard]] bool is_new() const { return point_.offset == Offset{0} && point_.position == 0; }
  Result<void> list();
  Result<void> drop_snapshots_above(Offset offset);

  // Below the recovery point: nothing is changed, whatever is found.
  void note_missing_front();
  [[nodiscard]] bool has_file_of_point() const;
  Result<void> check_below(std::size_t first);
  Result<void> check_one_below(const SegmentFile& segment, Offset limit, ScanState& state);

  // Above it.
  Result<void> scan_above();
  Result<bool> accept(std::size_t at);
  Result<ScanResult> scan_file(const SegmentFile& segment, std::uint64_t from, Offset limit);
  Result<bool> end_here(std::size_t at, std::uint64_t valid_end);
  [[nodiscard]] SegmentFile home_of(const SegmentFile& segment) const;
  Result<void> keep(const SegmentFile& segment, std::uint64_t end);
  Result<void> sync(const SegmentFile& segment, std::uint64_t end);
  Result<void> move(const SegmentFile& segment, std::uint64_t end);
  Result<void> cut(const SegmentFile& segment, std::uint64_t valid_end);
  Result<void> set_aside(std::size_t first);

  void add(const DamagedRange& range);
  [[nodiscard]] Offset limit_of(std::size_t at) const { return at + 1 < segments_.size() ? segments_[at + 1].base : Offset{INT64_MAX}; }

  const LogPlace& place_;
  FileSystem& files_;
  const std::string& directory_;
  const RecoveryRequest& request_;
  RecoveryReport& report_;
  std::vector<SegmentFile> segments_;
  std::vector<Offset> snapshots_;
  RecoveryPoint point_;
  ScanState state_;
  std::optional<PlacedBatch> last_;  ///< Of the segment before, if nothing is missing behind it.
  RecoveredFiles result_;
  bool has_new_damage_ = false;
};

/// Garbage in it hides nothing for good: reads and checks find again what they meet.
Result<void> Recovery::read_damage() {
  if (is_sure_of_files()) return {};
  const Result<std::string> text = read_file(files_, directory_ + "/" + std::string(kDamageFile), kLargestDamageFile);
  if (!text && text.error() != Errc::not_found && text.error() != Errc::too_large) return text.error();
  Result<Damage> known = text ? Damage::decode(*text) : text.error();
  if (known) result_.damage = std::move(*known);
  return {};
}

void Recovery::save_damage() {
  // A file that holds some below the log start is there still, and whoever walks it has to step over that.
  const Offset log_start = result_.end.log_start;
  const bool is_past = result_.damage.forget_below(segments_.empty() ? log_start : std::min(log_start, segments_.front().base));
  // What was cut off was not kept: other records get those offsets.
  const bool is_cut = result_.damage.forget_from(result_.end.offset);
  if (!has_new_damage_ && !is_past && !is_cut) return;
  const Result<void> saved = replace_file(files_, directory_ + "/" + std::string(kDamageFile), result_.damage.encode());
  if (!saved) report_.notes.push_back(directory_ + ": what is damaged could not be noted there, and is looked for again when it is read");
}

void Recovery::add(const DamagedRange& range) {
  if (range.to <= point_.log_start || !result_.damage.add(range)) return;
  has_new_damage_ = true;
  ++report_.ranges_damaged;
  report_.notes.push_back(describe(directory_, range) + ". They are not served, the rest of the log is; nothing of the file was changed");
  // They may lead into what is damaged; what is rebuilt does not.
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    static_cast<void>(files_.remove(path(range.segment_base, suffix)).has_value());
  }
}

/// Whether the file of the recovery point ends exactly there, and nothing was begun behind it.
Result<bool> Recovery::ends_at_point() const {
  const Result<DirEntry> last = files_.stat(path(point_.segment_base));
  if (!last && last.error() != Errc::not_found) return last.error();
  if (!last) return is_new();
  if (last->size_bytes != point_.position) return false;
  if (point_.segment_base == point_.offset) return true;
  const Result<DirEntry> rolled = files_.stat(path(point_.offset));
  if (!rolled && rolled.error() == Errc::not_found) return true;
  return rolled ? Result<bool>(false) : rolled.error();
}

/// Then nothing has to be read: after a clean stop, not even the directory.
Result<bool> Recovery::is_untouched() {
  if (!request_.known || request_.full_check || point_.log_start > point_.offset) return false;
  const Result<bool> ends = ends_at_point();
  if (!ends || !*ends || is_sure_of_files()) return ends;
  // Power loss takes names one by one: a later segment may be there though the one that the log rolled to first is not.
  return std::ranges::none_of(segments_, [&](const SegmentFile& segment) { return segment.base > point_.segment_base; });
}

Result<void> Recovery::list() {
  const Result<std::vector<DirEntry>> entries = list_log_directory(place_);
  if (!entries) return entries.error();
  segments_.clear();
  snapshots_.clear();
  for (const DirEntry& entry : *entries) {
    if (const auto base = parse_offset_file(entry.name, kLogSuffix)) segments_.push_back({*base, entry.size_bytes});
    if (const auto offset = parse_offset_file(entry.name, kSnapshotSuffix)) snapshots_.push_back(*offset);
  }
  return {};
}

/// They tell of batches that the crash may have taken, and whose offsets others will get.
Result<void> Recovery::drop_snapshots_above(Offset offset) {
  for (const Offset snapshot : snapshots_) {
    if (snapshot <= offset) continue;
    if (const Result<void> removed = files_.remove(path(snapshot, kSnapshotSuffix)); !removed) return removed.error();
  }
  return {};
}

Result<RecoveredFiles> Recovery::run() {
  if (request_.known) point_ = *request_.known;
  result_.end = point_;
  // First of all: it carries out what a crash left half done, and that changes files and damage.
  if (!is_sure_of_files()) {
    if (const Result<void> listed = list(); !listed) return listed.error();
  }
  if (const Result<void> read = read_damage(); !read) return read.error();
  const Result<bool> is_untouched = this->is_untouched();
  if (!is_untouched) return is_untouched.error();
  if (*is_untouched) return std::move(result_);
  if (is_sure_of_files()) {
    if (const Result<void> listed = list(); !listed) return listed.error();
  }
  if (!request_.known && !segments_.empty()) {
    point_ = {.log_start = segments_[0].base, .offset = segments_[0].base, .segment_base = segments_[0].base};
    result_.end = point_;
  }
  const bool is_empty = segments_.empty() && point_.offset == Offset{0} && point_.log_start == Offset{0};
  if (is_empty) return std::move(result_);
  ++report_.logs_scanned;
  result_.scanned = true;
  if (const Result<void> dropped = drop_snapshots_above(point_.offset); !dropped) return dropped.error();
  note_missing_front();
  if (const Result<void> scanned = scan_above(); !scanned) return scanned.error();
  save_damage();
  // A truncation that was about to begin has lowered the recovery point, so what was compacted may be gone.
  if (const Result<void> lowered = lower_cleaner_checkpoint(place_, result_.end.offset); !lowered) return lowered.error();
  return std::move(result_);
}

void Recovery::note_missing_front() {
  const Offset front = segments_.empty() ? point_.offset : std::min(segments_.front().base, point_.offset);
  if (front > point_.log_start) add({.from = point_.log_start, .to = front, .segment_base = point_.log_start});
}

/// Whether the file that the recovery point lies in reaches up to it.
bool Recovery::has_file_of_point() const {
  const auto last = std::ranges::find(segments_, point_.segment_base, &SegmentFile::base);
  return last != segments_.end() && last->size_bytes >= point_.position;
}

/// Looks at the segments from number `first` on, as far as they lie below the recovery point: up to there all offsets must be found.
Result<void> Recovery::check_below(std::size_t first) {
  if (first >= segments_.size()) return {};
  ScanState state{.next_offset = segments_[first].base};
  for (std::size_t at = first; at < segments_.size() && segments_[at].base <= point_.segment_base; ++at) {
    const Offset limit = std::min(limit_of(at), point_.offset);
    if (const Result<void> checked = check_one_below(segments_[at], limit, state); !checked) return checked.error();
  }
  return {};
}

Result<void> Recovery::check_one_below(const SegmentFile& segment, Offset limit, ScanState& state) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::read);
  if (!file) return file.error();
  const bool holds_point = segment.base == point_.segment_base;
  const std::uint64_t end = holds_point ? std::min(point_.position, segment.size_bytes) : segment.size_bytes;
  const bool follows = state.next_offset == segment.base;
  if (!follows) last_.reset();
  const Stretch stretch{.file = **file, .segment_base = segment.base, .position = 0, .end = end, .limit = limit, .before = last_};
  state.next_offset = segment.base;
  const Result<ScanResult> found = scan_over_damage(stretch, ScanDepth::checksums, state);
  if (!found) return found.error();
  report_.bytes_scanned += end;
  last_ = found->last;
  for (const DamagedRange& range : found->damaged) add(range);
  add({.from = state.next_offset, .to = limit, .segment_base = segment.base, .position = found->valid_end, .end_position = end});
  return {};
}

Result<void> Recovery::scan_above() {
  const bool has_file = has_file_of_point();
  const bool is_missing = !has_file && !is_new();
  const auto behind = std::ranges::upper_bound(segments_, point_.segment_base, {}, &SegmentFile::base);
  const auto above = static_cast<std::size_t>(behind - segments_.begin());
  // Of what is missing the last file that is there says where it begins.
  const std::size_t first_below = request_.full_check || above == 0 ? 0 : above - 1;
  if (request_.full_check || is_missing) {
    if (const Result<void> checked = check_below(first_below); !checked) return checked.error();
  }
  state_.next_offset = point_.offset;
  last_.reset();
  bool goes_on = true;
  for (std::size_t at = has_file ? above - 1 : above; at < segments_.size() && goes_on; ++at) {
    const Result<bool> accepted = accept(at);
    if (!accepted) return accepted.error();
    goes_on = *accepted;
  }
  result_.end.offset = state_.next_offset;
  const bool is_below_start = result_.end.offset < point_.log_start;
  if (is_below_start && !request_.journal_follows) return begin_at_log_start(place_, result_, report_);
  const bool has_tail = has_file || result_.end.segment_base > point_.segment_base;
  // Appends go on where the log ended, so that no offset is given out twice.
  if (is_missing && !has_tail) return begin_file(place_, result_.end.offset, result_);
  return files_.sync_dir(directory_);
}

/// Takes in one more segment; false if the log ends with it, or before it.
Result<bool> Recovery::accept(std::size_t at) {
  const SegmentFile& segment = segments_[at];
  const bool holds_point = segment.base == point_.segment_base;
  const bool follows = holds_point || segment.base == state_.next_offset;
  if (!follows) {
    const bool is_behind_a_gap = segment.base > state_.next_offset && request_.writes_survived;
    if (!is_behind_a_gap) {
      if (const Result<void> done = set_aside(at); !done) return done.error();
      return false;
    }
    add({.from = state_.next_offset,
         .to = segment.base,
         .segment_base = result_.end.segment_base,
         .position = result_.end.position,
         .end_position = result_.end.position});
    state_.next_offset = segment.base;
    last_.reset();
  }
  const Result<ScanResult> found = scan_file(segment, holds_point ? point_.position : 0, limit_of(at));
  if (!found) return found.error();
  for (const DamagedRange& range : found->damaged) add(range);
  if (found->valid_end < segment.size_bytes) return end_here(at, found->valid_end);
  if (const Result<void> kept = keep(segment, segment.size_bytes); !kept) return kept.error();
  return true;
}

Result<ScanResult> Recovery::scan_file(const SegmentFile& segment, std::uint64_t from, Offset limit) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::read);
  if (!file) return file.error();
  report_.bytes_scanned += segment.size_bytes - from;
  if (request_.writes_survived) {
    const Stretch stretch{
        .file = **file, .segment_base = segment.base, .position = from, .end = segment.size_bytes, .limit = limit, .before = last_};
    Result<ScanResult> found = scan_over_damage(stretch, ScanDepth::checksums, state_);
    last_ = found ? found->last : std::nullopt;
    return found;
  }
  BatchScan scan(ScanDepth::checksums, limit);
  const Result<std::uint64_t> valid_end = scan.run(**file, from, segment.size_bytes, state_);
  if (!valid_end) return valid_end.error();
  return ScanResult{.valid_end = *valid_end, .damaged = {}};
}

/// What stands at `valid_end` of a segment is invalid, and nothing valid follows in it.
Result<bool> Recovery::end_here(std::size_t at, std::uint64_t valid_end) {
  const SegmentFile& segment = segments_[at];
  const bool next_follows = limit_of(at) == state_.next_offset;
  const bool lies_between = at + 1 < segments_.size() && limit_of(at) > state_.next_offset && request_.writes_survived;
  if (lies_between) {
    add({.from = state_.next_offset,
         .to = limit_of(at),
         .segment_base = segment.base,
         .position = valid_end,
         .end_position = segment.size_bytes});
    state_.next_offset = limit_of(at);
    last_.reset();
    if (const Result<void> kept = keep(segment, segment.size_bytes); !kept) return kept.error();
    return true;
  }
  if (const Result<void> done = cut(segment, valid_end); !done) return done.error();
  if (next_follows) return true;  // What was cut was of a write that failed.
  if (const Result<void> done = set_aside(at + 1); !done) return done.error();
  return false;
}

/// Where the accepted bytes of a segment end up: `size_bytes` of them, those below the recovery point, stay where they are.
///
/// After a failed sync, writing them where they are is not enough. The pages that could not be written count as clean, and Linux' ext4
/// holds their blocks for written: what is written and synced there again reaches the blocks, and yet is read as zeros after a restart, for
/// the file system never learned that they have contents (tests/faults/io_errors.py shows it). New files have blocks of their own.
SegmentFile Recovery::home_of(const SegmentFile& segment) const {
  const bool is_split = request_.writes_again && segment.base == point_.segment_base && point_.position > 0;
  return is_split ? SegmentFile{.base = point_.offset, .size_bytes = point_.position} : SegmentFile{.base = segment.base};
}

/// What is accepted, all up to `end`, will be served, and voted with: it is made durable before.
Result<void> Recovery::keep(const SegmentFile& segment, std::uint64_t end) {
  const std::uint64_t from = segment.base == point_.segment_base ? point_.position : 0;
  if (request_.writes_again && end > from) return move(segment, end);
  result_.end.segment_base = segment.base;
  result_.end.position = end;
  return sync(segment, end);
}

Result<void> Recovery::sync(const SegmentFile& segment, std::uint64_t end) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::write);
  if (!file) return file.error();
  // The system may still have to tell of what failed before the start. It is about what is cut or moved.
  if (request_.writes_again) static_cast<void>((*file)->sync().has_value());
  if (end < segment.size_bytes) {
    if (const Result<void> truncated = (*file)->truncate(end); !truncated) return truncated;
  }
  return (*file)->sync();
}

/// Puts the accepted bytes into a file of their own: the segment's, or where the recovery point lies within it a segment that begins there.
/// A crash leaves the segment as it was, or both: then the bytes stand twice, and the next start cuts those that the new segment has, for
/// no scan goes on past the offset where the next segment begins.
Result<void> Recovery::move(const SegmentFile& segment, std::uint64_t end) {
  const SegmentFile home = home_of(segment);
  {
    const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::read);
    if (!file) return file.error();
    const std::string beside = cleaned_file(directory_, home.base);
    if (const Result<void> copied = copy_synced(files_, **file, {home.size_bytes, end}, beside); !copied) {
      static_cast<void>(files_.remove(beside).has_value());  // A full disk needs the room.
      return copied;
    }
    if (const Result<void> renamed = files_.rename(beside, path(home.base)); !renamed) return renamed;
    if (const Result<void> synced = files_.sync_dir(directory_); !synced) return synced;
  }
  result_.end.segment_base = home.base;
  result_.end.position = end - home.size_bytes;
  if (home.base == segment.base) return {};
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    const Result<void> removed = files_.remove(path(segment.base, suffix));
    if (!removed && removed.error() != Errc::not_found) return removed.error();
  }
  return sync(segment, home.size_bytes);
}

Result<void> Recovery::cut(const SegmentFile& segment, std::uint64_t valid_end) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::read);
  if (!file) return file.error();
  const std::uint64_t size_bytes = segment.size_bytes - valid_end;
  std::string note = path(segment.base) + ": cut " + std::to_string(size_bytes) + " bytes at " + at(state_.next_offset, valid_end);
  const KeptAside what{.segment_base = segment.base, .position = valid_end, .since = request_.now};
  const Result<void> copied = keep_aside(place_, what, **file, size_bytes);
  // A full disk must not keep the broker down for a copy of what was never acknowledged.
  if (!copied && copied.error() != Errc::no_space) return copied.error();
  note += copied ? ", kept for a day as " + kept_aside_path(directory_, what) : ", not kept: no space left";
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    const Result<void> removed = files_.remove(path(segment.base, suffix));
    if (!removed && removed.error() != Errc::not_found) return removed.error();
  }
  if (const Result<void> kept = keep(segment, valid_end); !kept) return kept.error();
  report_.bytes_cut += size_bytes;
  report_.notes.push_back(std::move(note));
  return {};
}

/// Renames the segments from number `first` on: they follow on bytes that are not there.
Result<void> Recovery::set_aside(std::size_t first) {
  for (std::size_t i = segments_.size(); i-- > first;) {  // Last first, so that what remains stays without a gap.
    const std::string from = path(segments_[i].base);
    const std::string to = kept_aside_path(directory_, {.segment_base = segments_[i].base, .position = 0, .since = request_.now});
    if (const Result<void> renamed = files_.rename(from, to); !renamed) return renamed.error();
    for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
      const Result<void> removed = files_.remove(path(segments_[i].base, suffix));
      if (!removed && removed.error() != Errc::not_found) return removed.error();
    }
    report_.bytes_cut += segments_[i].size_bytes;
    ++report_.segments_set_aside;
    report_.notes.push_back(from + ": does not continue the log, kept for a day as " + to);
  }
  return {};
}

}  // namespace

Result<void> begin_at_log_start(const LogPlace& place, RecoveredFiles& recovered, RecoveryReport& report) {
  const Offset log_start = recovered.end.log_start;
  // The new file first: were the old ones gone without it, a restart would take them for lost.
  if (const Result<void> begun = begin_file(place, log_start, recovered); !begun) return begun.error();
  recovered.scanned = true;
  report.notes.push_back(offset_file(place.directory, log_start, kLogSuffix) + ": begun anew, the log ended below its start at offset " +
                         std::to_string(log_start.value));
  return {};
}

Result<RecoveredFiles> recover_files(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report) {
  return Recovery(place, request, report).run();
}

}  // namespace tidelog::storage
