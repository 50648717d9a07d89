#include "storage/recovery.h"

#include "storage/log/batch_scan.h"
#include "storage/log/file_names.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

struct SegmentFile {
  Offset base;
  std::uint64_t size_bytes = 0;
};

/// One log's recovery. Each step leaves files that the next run accepts or repeats.
class Recovery {
 public:
  Recovery(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report)
      : files_(*place.files), directory_(place.directory), request_(request), report_(report) {}

  Result<RecoveredFiles> run();

 private:
  [[nodiscard]] std::string path(Offset base, std::string_view suffix = kLogSuffix) const { return offset_file(directory_, base, suffix); }
  [[nodiscard]] static std::string at(Offset offset, std::uint64_t position) {
    return "offset " + std::to_string(offset.value) + ", position " + std::to_string(position);
  }

  Result<bool> is_untouched();
  [[nodiscard]] Result<bool> ends_at_point() const;
  [[nodiscard]] bool is_new() const { return point_.offset == Offset{0} && point_.position == 0; }
  Result<void> list();
  Result<void> drop_snapshots_above(Offset offset);
  [[nodiscard]] std::string find_missing() const;
  Result<RecoveredFiles> scan();
  Result<std::uint64_t> scan_file(const SegmentFile& segment, std::uint64_t from, ScanState& state);
  Result<void> cut(const SegmentFile& segment, std::uint64_t valid_end, Offset next_offset);
  Result<void> copy_aside(File& from, const SegmentFile& segment, std::uint64_t position);
  Result<void> set_aside(std::size_t first);
  Result<RecoveredFiles> restart_at(Offset log_start);
  RecoveredFiles damaged(std::string what);

  FileSystem& files_;
  const std::string& directory_;
  const RecoveryRequest& request_;
  RecoveryReport& report_;
  std::vector<SegmentFile> segments_;
  std::vector<Offset> snapshots_;
  RecoveryPoint point_;
};

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
  if (!ends || !*ends || request_.was_clean) return ends;
  // Power loss takes names one by one: a later segment may be there though the one that the log rolled to first is not.
  if (const Result<void> listed = list(); !listed) return listed.error();
  return std::ranges::none_of(segments_, [&](const SegmentFile& segment) { return segment.base > point_.segment_base; });
}

Result<void> Recovery::list() {
  const Result<std::vector<DirEntry>> entries = files_.list(directory_);
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
  const Result<bool> is_untouched = this->is_untouched();
  if (!is_untouched) return is_untouched.error();
  if (*is_untouched) return RecoveredFiles{.end = point_};
  if (const Result<void> listed = list(); !listed) return listed.error();
  if (!request_.known && !segments_.empty()) {
    point_ = {.log_start = segments_[0].base, .offset = segments_[0].base, .segment_base = segments_[0].base};
  }
  const bool is_empty = segments_.empty() && point_.offset == Offset{0} && point_.log_start == Offset{0};
  if (is_empty) return RecoveredFiles{.end = point_};
  if (std::string missing = find_missing(); !missing.empty()) return damaged(std::move(missing));
  ++report_.logs_scanned;
  if (const Result<void> dropped = drop_snapshots_above(point_.offset); !dropped) return dropped.error();
  return scan();
}

/// What must be there by the recovery point, and is not.
std::string Recovery::find_missing() const {
  const auto last = std::ranges::find(segments_, point_.segment_base, &SegmentFile::base);
  if (last == segments_.end() && is_new()) return {};  // Nothing was ever synced in it, so its first name was not either.
  const std::string expected = "the recovery point lies at " + at(point_.offset, point_.position);
  if (last == segments_.end()) return path(point_.segment_base) + " is missing; " + expected;
  if (last->size_bytes < point_.position) {
    return path(point_.segment_base) + " ends at position " + std::to_string(last->size_bytes) + "; " + expected;
  }
  const Offset oldest = segments_.front().base;
  if (oldest > point_.log_start) {
    return directory_ + ": the log starts at offset " + std::to_string(point_.log_start.value) + ", but its oldest file is " + path(oldest);
  }
  return {};
}

RecoveredFiles Recovery::damaged(std::string what) {
  what += ". Bytes that were synced are gone or changed; nothing was touched, the log stays offline.";
  report_.notes.push_back(what);
  return {.end = point_, .damage = std::move(what)};
}

Result<RecoveredFiles> Recovery::scan() {
  const bool from_front = request_.full_check && !segments_.empty();
  const Offset first = from_front ? segments_.front().base : point_.segment_base;
  ScanState state{.next_offset = from_front ? first : point_.offset};
  RecoveredFiles result{.end = point_, .scanned = true};
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const SegmentFile& segment = segments_[i];
    if (segment.base < first) continue;
    const bool holds_point = segment.base == point_.segment_base;
    const bool is_below_point = segment.base < point_.segment_base;
    if (segment.base != first && segment.base != state.next_offset) {
      if (segment.base <= point_.segment_base) return damaged(path(segment.base) + " does not continue at " + at(state.next_offset, 0));
      if (const Result<void> done = set_aside(i); !done) return done.error();
      break;
    }
    const std::uint64_t from = holds_point && !request_.full_check ? point_.position : 0;
    const Result<std::uint64_t> valid_end = scan_file(segment, from, state);
    if (!valid_end) return valid_end.error();
    if (is_below_point ? *valid_end < segment.size_bytes : holds_point && *valid_end < point_.position) {
      return damaged(path(segment.base) + " holds an invalid batch at " + at(state.next_offset, *valid_end));
    }
    result.end.segment_base = segment.base;
    result.end.position = *valid_end;
    if (*valid_end == segment.size_bytes) continue;
    if (const Result<void> done = cut(segment, *valid_end, state.next_offset); !done) return done.error();
    if (const Result<void> done = set_aside(i + 1); !done) return done.error();
    break;
  }
  result.end.offset = state.next_offset;
  if (result.end.offset < result.end.log_start) return restart_at(result.end.log_start);
  if (const Result<void> synced = files_.sync_dir(directory_); !synced) return synced.error();
  return result;
}

/// Scans one file and makes what it accepts durable: it will be served, and voted with.
Result<std::uint64_t> Recovery::scan_file(const SegmentFile& segment, std::uint64_t from, ScanState& state) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::write);
  if (!file) return file.error();
  BatchScan scan;
  const Result<std::uint64_t> valid_end = scan.run(**file, from, segment.size_bytes, state);
  if (!valid_end) return valid_end.error();
  report_.bytes_scanned += segment.size_bytes - from;
  if (*valid_end < segment.size_bytes) return valid_end;  // Cutting it, or leaving it as it is, comes next.
  if (const Result<void> synced = (*file)->sync(); !synced) return synced.error();
  return valid_end;
}

Result<void> Recovery::cut(const SegmentFile& segment, std::uint64_t valid_end, Offset next_offset) {
  const Result<std::unique_ptr<File>> file = files_.open(path(segment.base), OpenMode::write);
  if (!file) return file.error();
  std::string note =
      path(segment.base) + ": cut " + std::to_string(segment.size_bytes - valid_end) + " bytes at " + at(next_offset, valid_end);
  const Result<void> copied = copy_aside(**file, segment, valid_end);
  // A full disk must not keep the broker down for a copy of what was never acknowledged.
  if (!copied && copied.error() != Errc::no_space) return copied.error();
  note += copied ? ", kept as " + path(segment.base) + std::string(kCutSuffix) : ", not kept: no space left";
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    const Result<void> removed = files_.remove(path(segment.base, suffix));
    if (!removed && removed.error() != Errc::not_found) return removed.error();
  }
  if (const Result<void> truncated = (*file)->truncate(valid_end); !truncated) return truncated.error();
  if (const Result<void> synced = (*file)->sync(); !synced) return synced.error();
  report_.bytes_cut += segment.size_bytes - valid_end;
  report_.notes.push_back(std::move(note));
  return {};
}

Result<void> Recovery::copy_aside(File& from, const SegmentFile& segment, std::uint64_t position) {
  const std::string aside = path(segment.base) + std::string(kCutSuffix);
  const Result<std::unique_ptr<File>> to = files_.open(aside, OpenMode::replace);
  if (!to) return to.error();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(segment.size_bytes - position, 1U << 20));
  for (std::uint64_t done = 0; position + done < segment.size_bytes;) {
    const Result<std::size_t> got = from.read_at(position + done, buffer);
    if (!got) return got.error();
    if (*got == 0) break;
    const std::array<Bytes, 1> parts{Bytes(buffer).first(*got)};
    if (const Result<void> written = (*to)->write_at(done, parts); !written) {
      static_cast<void>(files_.remove(aside).has_value());
      return written.error();
    }
    done += *got;
  }
  return (*to)->sync();
}

/// Renames the segments from number `first` on: they follow on bytes that are not there.
Result<void> Recovery::set_aside(std::size_t first) {
  for (std::size_t i = segments_.size(); i-- > first;) {  // Last first, so that what remains stays without a gap.
    const std::string from = path(segments_[i].base);
    if (const Result<void> renamed = files_.rename(from, from + std::string(kCutSuffix)); !renamed) return renamed.error();
    for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
      const Result<void> removed = files_.remove(path(segments_[i].base, suffix));
      if (!removed && removed.error() != Errc::not_found) return removed.error();
    }
    report_.bytes_cut += segments_[i].size_bytes;
    ++report_.segments_set_aside;
    report_.notes.push_back(from + ": set aside, it does not continue the log");
  }
  return {};
}

/// The log start was moved above what survived: records below it were deleted, and their offsets must not be given out again.
Result<RecoveredFiles> Recovery::restart_at(Offset log_start) {
  // The new file first: were the old ones gone without it, a restart would take them for lost.
  const Result<std::unique_ptr<File>> made = files_.open(path(log_start), OpenMode::create);
  if (!made) return made.error();
  if (const Result<void> truncated = (*made)->truncate(0); !truncated) return truncated.error();
  if (const Result<void> synced = (*made)->sync(); !synced) return synced.error();
  if (const Result<void> synced = files_.sync_dir(directory_); !synced) return synced.error();
  report_.notes.push_back(path(log_start) + ": begun anew, the log ended below its start at offset " + std::to_string(log_start.value));
  return RecoveredFiles{.end = {.log_start = log_start, .offset = log_start, .segment_base = log_start}, .scanned = true};
}

}  // namespace

Result<RecoveredFiles> recover_files(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report) {
  return Recovery(place, request, report).run();
}

}  // namespace tidelog::storage
