#include "storage/log/damage.h"

#include "storage/log/file_names.h"
#include "storage/log/number_lines.h"

#include <algorithm>

namespace tidelog::storage {

std::string describe(const std::string& directory, const DamagedRange& range) {
  const std::string offsets = "offsets " + std::to_string(range.from.value) + " to " + std::to_string(range.to.value - 1);
  const std::string file = offset_file(directory, range.segment_base, kLogSuffix);
  if (range.position == range.end_position) {
    return file + ": " + offsets + " are missing at position " + std::to_string(range.position);
  }
  return file + ": " + offsets + " are damaged, position " + std::to_string(range.position) + " to " + std::to_string(range.end_position);
}

const DamagedRange* Damage::at_or_after(Offset offset) const {
  const auto found = std::ranges::upper_bound(ranges_, offset, {}, &DamagedRange::to);
  return found == ranges_.end() ? nullptr : &*found;
}

std::vector<DamagedRange> Damage::of_segment(Offset base) const {
  std::vector<DamagedRange> found;
  std::ranges::copy_if(ranges_, std::back_inserter(found), [&](const DamagedRange& range) { return range.segment_base == base; });
  return found;
}

bool Damage::add(const DamagedRange& range) {
  if (range.from >= range.to) return false;
  DamagedRange joined = range;
  std::vector<DamagedRange> kept;
  for (const DamagedRange& known : ranges_) {
    const bool overlaps = known.from < joined.to && joined.from < known.to;
    if (!overlaps) {
      kept.push_back(known);
      continue;
    }
    if (known.from <= range.from && range.to <= known.to) return false;
    if (known.segment_base == joined.segment_base) {
      joined.position = std::min(joined.position, known.position);
      joined.end_position = std::max(joined.end_position, known.end_position);
    }
    joined.from = std::min(joined.from, known.from);
    joined.to = std::max(joined.to, known.to);
  }
  kept.push_back(joined);
  std::ranges::sort(kept, {}, &DamagedRange::from);
  ranges_ = std::move(kept);
  return true;
}

bool Damage::forget_below(Offset front) {
  return std::erase_if(ranges_, [&](const DamagedRange& range) { return range.to <= front; }) > 0;
}

bool Damage::forget_from(Offset log_end) {
  bool is_changed = false;
  for (DamagedRange& range : ranges_) {
    if (range.to <= log_end) continue;
    range.to = std::max(range.from, log_end);
    is_changed = true;
  }
  std::erase_if(ranges_, [](const DamagedRange& range) { return range.from >= range.to; });
  return is_changed;
}

std::string Damage::encode() const {
  std::string text = "0\n" + std::to_string(ranges_.size()) + "\n";
  for (const DamagedRange& range : ranges_) {
    text += std::to_string(range.from.value) + " " + std::to_string(range.to.value) + " " + std::to_string(range.segment_base.value) + " " +
            std::to_string(range.position) + " " + std::to_string(range.end_position) + "\n";
  }
  return text;
}

namespace {

/// A number that is an offset or a position.
std::optional<std::int64_t> take_place(std::string_view& text, char terminator) {
  const std::optional<std::int64_t> number = take_number<std::int64_t>(text, terminator);
  return number && *number >= 0 ? number : std::nullopt;
}

}  // namespace

Result<Damage> Damage::decode(std::string_view text) {
  const std::optional<int> version = take_number<int>(text, '\n');
  if (!version || *version != 0) return Errc::corrupt;
  const std::optional<std::uint64_t> count = take_number<std::uint64_t>(text, '\n');
  if (!count) return Errc::corrupt;
  Damage damage;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto from = take_place(text, ' ');
    const auto to = from ? take_place(text, ' ') : std::nullopt;
    const auto base = to ? take_place(text, ' ') : std::nullopt;
    const auto position = base ? take_place(text, ' ') : std::nullopt;
    const auto end = position ? take_place(text, '\n') : std::nullopt;
    if (!end || *from >= *to || *position > *end) return Errc::corrupt;
    if (!damage.ranges_.empty() && damage.ranges_.back().to.value > *from) return Errc::corrupt;
    damage.ranges_.push_back({.from = {*from},
                              .to = {*to},
                              .segment_base = {*base},
                              .position = static_cast<std::uint64_t>(*position),
                              .end_position = static_cast<std::uint64_t>(*end)});
  }
  if (!text.empty()) return Errc::corrupt;
  return damage;
}

}  // namespace tidelog::storage
