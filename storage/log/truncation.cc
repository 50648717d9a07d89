#include "storage/log/truncation.h"

#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/log/damage.h"
#include "storage/log/file_names.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

constexpr std::size_t kDigits = 20;
constexpr std::uint64_t kLargestDamageFile = 16U << 20;

std::string digits_of(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

/// One run over the files. Each step leaves what the next run accepts or repeats.
class CarryOut {
 public:
  CarryOut(const LogPlace& place, const TruncationName& cut) : files_(*place.files), place_(place), cut_(cut) {}

  TruncationEnd run();

 private:
  [[nodiscard]] std::string path(Offset base, std::string_view suffix = kLogSuffix) const {
    return offset_file(place_.directory, base, suffix);
  }
  Result<void> make_mark();
  Result<void> list();
  Result<void> take_out();
  Result<void> remove_snapshots();
  Result<void> remove_indexes(Offset base);
  TruncationEnd cut_segment();
  TruncationEnd forget_damage();

  FileSystem& files_;
  const LogPlace& place_;
  const TruncationName& cut_;
  std::vector<Offset> going_;  ///< Segments from `cut_.offset` on, in order.
  std::vector<Offset> snapshots_;
};

Result<void> CarryOut::make_mark() {
  const Result<std::unique_ptr<File>> made = files_.open(truncation_file(place_.directory, cut_), OpenMode::create);
  return made ? Result<void>() : made.error();
}

Result<void> CarryOut::list() {
  const Result<std::vector<DirEntry>> entries = files_.list(place_.directory);
  if (!entries) return entries.error();
  for (const DirEntry& entry : *entries) {
    const std::optional<Offset> base = parse_offset_file(entry.name, kLogSuffix);
    if (base && *base >= cut_.offset) going_.push_back(*base);
    const std::optional<Offset> snapshot = parse_offset_file(entry.name, kSnapshotSuffix);
    if (snapshot && *snapshot > cut_.offset) snapshots_.push_back(*snapshot);
  }
  return {};
}

Result<void> CarryOut::remove_indexes(Offset base) {
  for (const std::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    const Result<void> removed = files_.remove(path(base, suffix));
    if (!removed && removed.error() != Errc::not_found) return removed;
  }
  return {};
}

/// But for the one of the cut's own name: the rename over it does that.
Result<void> CarryOut::take_out() {
  for (std::size_t at = going_.size(); at-- > 0;) {
    if (const Result<void> removed = remove_indexes(going_[at]); !removed) return removed;
    if (going_[at] == cut_.offset) continue;
    const std::string from = path(going_[at]);
    if (const Result<void> renamed = files_.rename(from, from + std::string(kDeletedSuffix)); !renamed) return renamed;
  }
  return {};
}

/// They tell of batches that go, and of offsets that others will get.
Result<void> CarryOut::remove_snapshots() {
  for (const Offset snapshot : snapshots_) {
    if (const Result<void> removed = files_.remove(path(snapshot, kSnapshotSuffix)); !removed) return removed;
  }
  return {};
}

TruncationEnd CarryOut::cut_segment() {
  if (cut_.segment == cut_.offset) return TruncationEnd::done;
  if (!remove_indexes(cut_.segment)) return TruncationEnd::again;
  const Result<std::unique_ptr<File>> file = files_.open(path(cut_.segment), OpenMode::write);
  const Result<std::uint64_t> size = file ? (*file)->size() : file.error();
  if (!size) return TruncationEnd::again;
  if (*size > cut_.position && !(*file)->truncate(cut_.position)) return TruncationEnd::again;
  // Also if it was cut before: whoever did so may have died before it was on disk.
  return (*file)->sync() ? TruncationEnd::done : TruncationEnd::sync_failed;
}

/// Durably: offsets in it are given out again, and what is written there is not damaged.
TruncationEnd CarryOut::forget_damage() {
  const std::string name = place_.directory + "/" + std::string(kDamageFile);
  const Result<std::string> text = read_file(files_, name, kLargestDamageFile);
  if (!text && text.error() != Errc::not_found && text.error() != Errc::too_large) return TruncationEnd::again;
  Result<Damage> damage = text ? Damage::decode(*text) : text.error();
  if (!damage || !damage->forget_from(cut_.offset)) return TruncationEnd::done;
  const std::string left = damage->encode();
  const std::string beside = name + std::string(kTempSuffix);
  const Result<std::unique_ptr<File>> file = files_.open(beside, OpenMode::replace);
  const std::array<Bytes, 1> parts{std::as_bytes(std::span(left))};
  if (!file || !(*file)->write_at(0, parts)) return TruncationEnd::again;
  if (!(*file)->sync()) return TruncationEnd::sync_failed;
  return files_.rename(beside, name) ? TruncationEnd::done : TruncationEnd::again;
}

TruncationEnd CarryOut::run() {
  if (!make_mark()) return TruncationEnd::again;
  if (!files_.sync_dir(place_.directory)) return TruncationEnd::sync_failed;
  if (!list() || !take_out() || !remove_snapshots()) return TruncationEnd::again;
  if (const TruncationEnd cut = cut_segment(); cut != TruncationEnd::done) return cut;
  if (const TruncationEnd forgotten = forget_damage(); forgotten != TruncationEnd::done) return forgotten;
  // Its bytes are not synced: what power loss makes of them counts as nothing cleaned.
  if (!lower_cleaner_checkpoint(place_, cut_.offset)) return TruncationEnd::again;
  // A segment that came back would go on, old bytes and all, where the new ones end.
  if (!files_.sync_dir(place_.directory)) return TruncationEnd::sync_failed;
  if (!files_.rename(truncation_file(place_.directory, cut_), path(cut_.offset))) return TruncationEnd::again;
  if (!files_.sync_dir(place_.directory)) return TruncationEnd::sync_failed;
  for (const Offset base : going_) {
    // Opening the log removes it, too.
    if (base != cut_.offset) static_cast<void>(files_.remove(path(base) + std::string(kDeletedSuffix)).has_value());
  }
  return TruncationEnd::done;
}

}  // namespace

std::string truncation_file(const std::string& directory, const TruncationName& cut) {
  return offset_file(
      directory, cut.offset,
      "-" + digits_of(static_cast<std::uint64_t>(cut.segment.value)) + "-" + digits_of(cut.position) + std::string(kTruncationSuffix));
}

std::optional<TruncationName> parse_truncation_file(std::string_view name) {
  constexpr std::size_t kStep = kDigits + 1;
  if (name.size() != 3 * kDigits + 2 + kTruncationSuffix.size() || name[kDigits] != '-' || name[kStep + kDigits] != '-') {
    return std::nullopt;
  }
  const std::optional<Offset> offset = parse_offset_file(name.substr(0, kDigits), "");
  const std::optional<Offset> segment = parse_offset_file(name.substr(kStep, kDigits), "");
  const std::optional<Offset> position = parse_offset_file(name.substr(2 * kStep), kTruncationSuffix);
  if (!offset || !segment || !position || *segment > *offset) return std::nullopt;
  return TruncationName{.offset = *offset, .segment = *segment, .position = static_cast<std::uint64_t>(position->value)};
}

TruncationEnd carry_out_truncation(const LogPlace& place, const TruncationName& cut) { return CarryOut(place, cut).run(); }

}  // namespace tidelog::storage
