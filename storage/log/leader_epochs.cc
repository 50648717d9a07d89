#include "storage/log/leader_epochs.h"

#include "storage/log/number_lines.h"

#include <algorithm>

namespace tidelog::storage {
bool LeaderEpochs::assign(LeaderEpoch epoch, Offset start) {
  if (epoch.value < 0 || epoch <= latest()) return false;
  truncate_from_end(start);
  entries_.push_back({epoch, start});
  return true;
}

LeaderEpoch LeaderEpochs::epoch_at(Offset offset) const {
  const auto above = std::ranges::upper_bound(entries_, offset, {}, &Entry::start);
  return above == entries_.begin() ? LeaderEpoch{-1} : std::prev(above)->epoch;
}

EpochEnd LeaderEpochs::end_offset_for(LeaderEpoch epoch, Offset log_end) const {
  if (epoch.value < 0 || epoch > latest()) return {};
  if (epoch == latest()) return {epoch, log_end};
  const auto above = std::ranges::upper_bound(entries_, epoch, {}, &Entry::epoch);
  // Before all that is known: the caller's epoch ended no later than where the first known one begins.
  if (above == entries_.begin()) return {epoch, above->start};
  return {std::prev(above)->epoch, above->start};
}

void LeaderEpochs::truncate_from_end(Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void LeaderEpochs::truncate_from_start(Offset log_start) {
  auto above = std::ranges::upper_bound(entries_, log_start, {}, &Entry::start);
  if (above == entries_.begin()) return;
  --above;
  above->start = log_start;
  entries_.erase(entries_.begin(), above);
}

std::string LeaderEpochs::encode() const {
  std::string text = "0\n" + std::to_string(entries_.size()) + "\n";
  for (const Entry& entry : entries_) {
    text += std::to_string(entry.epoch.value) + " " + std::to_string(entry.start.value) + "\n";
  }
  return text;
}

Result<LeaderEpochs> LeaderEpochs::decode(std::string_view text) {
  const std::optional<int> version = take_number<int>(text, '\n');
  if (!version || *version != 0) return Errc::corrupt;
  const std::optional<std::uint64_t> count = take_number<std::uint64_t>(text, '\n');
  if (!count) return Errc::corrupt;
  LeaderEpochs epochs;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::optional<std::int32_t> epoch = take_number<std::int32_t>(text, ' ');
    if (!epoch) return Errc::corrupt;
    const std::optional<std::int64_t> start = take_number<std::int64_t>(text, '\n');
    if (!start || *start < 0 || *epoch <= epochs.latest().value) return Errc::corrupt;
    if (!epochs.entries_.empty() && *start <= epochs.entries_.back().start.value) return Errc::corrupt;
    epochs.entries_.push_back({{*epoch}, {*start}});
  }
  if (!text.empty()) return Errc::corrupt;
  return epochs;
}

}  // namespace tidelog::storage
