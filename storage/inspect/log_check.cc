#include "storage/inspect/log_check.h"

#include "storage/compaction/swap.h"
#include "storage/inspect/index_check.h"
#include "storage/log/damage_scan.h"
#include "storage/log/file_names.h"
#include "storage/log/leader_epochs.h"
#include "storage/log/producer_snapshot.h"
#include "storage/manifest.h"

#include <algorithm>
#include <iterator>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kLargestSideFile = 256U << 20;
constexpr int kMostAttempts = 3;
constexpr const char* kRebuilt = "nothing to do: it is rebuilt from the segments when it is next used";
constexpr const char* kRestore =
    "the broker serves what is before and behind it; restore the segment from a copy, or let consumers go on behind it";

/// One log under examination.
class LogCheck {
 public:
  LogCheck(const LogPlace& place, const std::optional<RecoveryPoint>& known, CheckReport& report)
      : files_(*place.files), directory_(place.directory), known_(known), report_(report) {}

  Result<void> run();
  /// Whether sealed segments came, went or became others since `run` listed them.
  [[nodiscard]] bool has_changed() const;

 private:
  struct SegmentFile {
    Offset base;
    std::uint64_t size_bytes = 0;
    std::optional<SwapName> swap{};  ///< Under whose name it still stands.
    bool operator==(const SegmentFile&) const = default;
  };

  [[nodiscard]] static std::vector<SegmentFile> segments_of(const std::vector<DirEntry>& entries);
  [[nodiscard]] Result<std::unique_ptr<File>> open(const SegmentFile& segment);

  [[nodiscard]] std::string path(Offset base, std::string_view suffix = kLogSuffix) const { return offset_file(directory_, base, suffix); }
  void find(std::string file, std::string cause, std::string hint, bool is_damage) {
    report_.findings.push_back({.file = std::move(file), .cause = std::move(cause), .hint = std::move(hint), .is_damage = is_damage});
  }
  void find_range(const DamagedRange& range);
  Result<void> check_segments();
  Result<void> check_segment(std::size_t at);
  Result<ScanResult> scan(const File& file, const SegmentFile& segment, Offset limit);
  void check_end(const SegmentFile& segment, const ScanResult& found, bool is_last);
  void check_recovery_point();
  void check_epochs();
  void check_snapshot(const std::string& name);

  FileSystem& files_;
  const std::string& directory_;
  const std::optional<RecoveryPoint>& known_;
  CheckReport& report_;
  std::vector<SegmentFile> segments_;
  std::vector<std::string> snapshots_;
  ScanState state_;
  std::optional<PlacedBatch> last_;  ///< Of the segment before, if nothing is missing behind it.
};

/// A swap that was begun counts as carried out, as it does for whoever opens the log.
std::vector<LogCheck::SegmentFile> LogCheck::segments_of(const std::vector<DirEntry>& entries) {
  std::vector<SegmentFile> segments;
  for (const DirEntry& entry : entries) {
    if (const auto base = parse_offset_file(entry.name, kLogSuffix)) segments.push_back({.base = *base, .size_bytes = entry.size_bytes});
  }
  for (const DirEntry& entry : entries) {
    const std::optional<SwapName> swap = parse_swap_file(entry.name);
    if (!swap) continue;
    std::erase_if(segments, [&](const SegmentFile& segment) { return segment.base >= swap->base && segment.base < swap->end; });
    segments.push_back({.base = swap->base, .size_bytes = entry.size_bytes, .swap = swap});
  }
  std::ranges::sort(segments, {}, &SegmentFile::base);
  return segments;
}

bool LogCheck::has_changed() const {
  const Result<std::vector<DirEntry>> entries = files_.list(directory_);
  if (!entries || segments_.empty()) return false;
  const std::vector<SegmentFile> now = segments_of(*entries);
  const std::size_t sealed = segments_.size() - 1;
  return now.size() != segments_.size() || now.back().base != segments_.back().base ||
         !std::equal(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(sealed), segments_.begin());
}

Result<std::unique_ptr<File>> LogCheck::open(const SegmentFile& segment) {
  if (segment.swap) {
    Result<std::unique_ptr<File>> file = files_.open(swap_file(directory_, *segment.swap), OpenMode::read);
    if (file || file.error() != Errc::not_found) return file;
  }
  return files_.open(path(segment.base), OpenMode::read);
}

Result<void> LogCheck::run() {
  const Result<std::vector<DirEntry>> entries = files_.list(directory_);
  if (!entries) return entries.error();
  ++report_.logs;
  segments_ = segments_of(*entries);
  for (const DirEntry& entry : *entries) {
    if (parse_offset_file(entry.name, kSnapshotSuffix)) snapshots_.push_back(entry.name);
  }
  const Result<LogIdentity> identity = read_identity({.files = &files_, .directory = directory_});
  if (!identity && (identity.error() == Errc::corrupt || identity.error() == Errc::not_found)) {
    find(directory_ + "/" + std::string(kMetadataFile), identity.error() == Errc::corrupt ? "is damaged" : "is missing",
         "the partition is not served: restore the file from a copy", true);
  }
  if (const Result<void> checked = check_segments(); !checked) return checked.error();
  check_recovery_point();
  check_epochs();
  for (const std::string& name : snapshots_) check_snapshot(name);
  return {};
}

void LogCheck::find_range(const DamagedRange& range) {
  if (range.from >= range.to || (known_ && range.to <= known_->log_start)) return;
  const bool is_missing = range.position == range.end_position;
  report_.findings.push_back({.file = path(range.segment_base),
                              .offset = range.from,
                              .position = range.position,
                              .cause = "offsets " + std::to_string(range.from.value) + " to " + std::to_string(range.to.value - 1) +
                                       (is_missing ? " are missing" : " are damaged, up to position " + std::to_string(range.end_position)),
                              .hint = kRestore});
}

Result<void> LogCheck::check_segments() {
  if (segments_.empty()) return {};
  state_.next_offset = segments_.front().base;
  if (known_ && segments_.front().base > known_->log_start) {
    find_range({.from = known_->log_start, .to = segments_.front().base, .segment_base = known_->log_start});
  }
  for (std::size_t at = 0; at < segments_.size(); ++at) {
    if (const Result<void> checked = check_segment(at); !checked) return checked.error();
  }
  return {};
}

Result<void> LogCheck::check_segment(std::size_t at) {
  const SegmentFile& segment = segments_[at];
  const bool is_last = at + 1 == segments_.size();
  const Result<std::unique_ptr<File>> file = open(segment);
  if (!file && file.error() == Errc::not_found) {  // Retention, or a deletion.
    last_.reset();
    state_.next_offset = is_last ? segment.base : segments_[at + 1].base;
    return {};
  }
  if (!file) return file.error();
  ++report_.segments;
  const Offset limit = is_last ? Offset{INT64_MAX} : segments_[at + 1].base;
  const Result<ScanResult> found = scan(**file, segment, limit);
  if (!found) return found.error();
  for (const DamagedRange& range : found->damaged) find_range(range);
  std::vector<DamagedRange> holes = found->damaged;  // The epoch here may have told that it is the last batch before that is wrong.
  std::erase_if(holes, [&](const DamagedRange& range) { return range.segment_base != segment.base; });
  const Result<IndexCheck> indexes = check_indexes(
      files_, directory_, {.file = **file, .base = segment.base, .end = found->valid_end, .holes = holes, .may_grow = is_last});
  if (!indexes) return indexes.error();
  report_.batches += indexes->batches;
  if (!segment.swap) {  // Those that are there are of the segment that it replaces.
    for (const std::string& wrong : indexes->wrong_files) find(wrong, "leads to what is not there", kRebuilt, false);
  }
  check_end(segment, *found, is_last);
  last_ = state_.next_offset == limit ? found->last : std::nullopt;
  if (!is_last) state_.next_offset = limit;
  return {};
}

/// The last segment may be growing: what looks torn is looked at again.
Result<ScanResult> LogCheck::scan(const File& file, const SegmentFile& segment, Offset limit) {
  state_.next_offset = segment.base;
  const Stretch stretch{
      .file = file, .segment_base = segment.base, .position = 0, .end = segment.size_bytes, .limit = limit, .before = last_};
  Result<ScanResult> found = scan_over_damage(stretch, ScanDepth::checksums, state_);
  report_.bytes += segment.size_bytes;
  if (!found || found->valid_end == segment.size_bytes || limit.value != INT64_MAX) return found;
  const Result<std::uint64_t> size = file.size();
  if (!size) return size.error();
  BatchScan again;
  const Result<std::uint64_t> valid_end = again.run(file, found->valid_end, *size, state_);
  if (!valid_end) return valid_end.error();
  found->valid_end = *valid_end;
  return found;
}

void LogCheck::check_end(const SegmentFile& segment, const ScanResult& found, bool is_last) {
  if (!is_last) {
    const Offset next = std::ranges::upper_bound(segments_, segment.base, {}, &SegmentFile::base)->base;
    const bool is_garbage = found.valid_end < segment.size_bytes && state_.next_offset == next;
    if (is_garbage) {
      report_.findings.push_back({.file = path(segment.base),
                                  .offset = next,
                                  .position = found.valid_end,
                                  .cause = "bytes that belong to no batch stand at its end",
                                  .hint = "no record is missing; recovery after the next crash cuts them off"});
    }
    return find_range({.from = state_.next_offset,
                       .to = next,
                       .segment_base = segment.base,
                       .position = found.valid_end,
                       .end_position = segment.size_bytes});
  }
  if (found.valid_end >= segment.size_bytes) return;
  report_.findings.push_back({.file = path(segment.base),
                              .offset = state_.next_offset,
                              .position = found.valid_end,
                              .cause = "its last " + std::to_string(segment.size_bytes - found.valid_end) + " bytes are no whole batch",
                              .hint = "after a crash the next start cuts them off and keeps them aside for a day"});
}

void LogCheck::check_recovery_point() {
  if (!known_ || known_->offset <= state_.next_offset) return;
  report_.findings.push_back({.file = path(known_->segment_base),
                              .offset = state_.next_offset,
                              .position = known_->position,
                              .cause = "the log ends below offset " + std::to_string(known_->offset.value) + ", up to which it was synced",
                              .hint = kRestore});
}

void LogCheck::check_epochs() {
  const std::string file = directory_ + "/" + std::string(kEpochFile);
  const Result<std::string> text = read_file(files_, file, kLargestSideFile);
  if (text && !LeaderEpochs::decode(*text)) find(file, "cannot be read", kRebuilt, false);
}

void LogCheck::check_snapshot(const std::string& name) {
  const std::string file = directory_ + "/" + name;
  const Result<std::string> bytes = read_file(files_, file, kLargestSideFile);
  if (bytes && !decode_producer_snapshot(std::as_bytes(std::span(*bytes)))) find(file, "cannot be read", kRebuilt, false);
}

}  // namespace

Result<void> check_log(const LogPlace& place, const std::optional<RecoveryPoint>& known, CheckReport& report) {
  for (int attempt = 1;; ++attempt) {
    CheckReport found;
    LogCheck check(place, known, found);
    if (const Result<void> checked = check.run(); !checked) return checked.error();
    // Beside a broker compaction and retention may have changed what was listed, and it looked like damage.
    if (!found.findings.empty() && attempt < kMostAttempts && check.has_changed()) continue;
    report.logs += found.logs;
    report.segments += found.segments;
    report.batches += found.batches;
    report.bytes += found.bytes;
    std::ranges::move(found.findings, std::back_inserter(report.findings));
    return {};
  }
}

Result<void> check_log_dir(FileSystem& files, const std::string& log_dir, CheckReport& report) {
  const Result<LoadedManifest> manifest = load_manifest(files, log_dir);
  if (!manifest) return manifest.error();
  if (manifest->state == ManifestState::corrupt) {
    report.findings.push_back({.file = log_dir + "/manifest",
                               .cause = "is damaged",
                               .hint = "no record is at stake: the next start reads every log from its beginning and writes it anew"});
  }
  const Result<std::vector<DirEntry>> entries = files.list(log_dir);
  if (!entries) return entries.error();
  for (const DirEntry& entry : *entries) {
    const auto name = parse_log_directory_name(entry.name);
    if (!entry.is_directory || !name) continue;
    const LogPlace place{.files = &files, .directory = log_dir + "/" + entry.name};
    const Result<LogIdentity> identity = read_identity(place);
    const ManifestEntry* known =
        identity ? manifest->manifest.find({.topic_id = identity->topic_id, .partition = name->partition}, identity->log_id) : nullptr;
    const Result<void> checked = check_log(place, known == nullptr ? std::nullopt : std::optional(known->recovery), report);
    if (!checked && checked.error() != Errc::not_found) return checked.error();
  }
  return {};
}

}  // namespace tidelog::storage
