#include "storage/inspect/index_check.h"

#include "storage/log/file_names.h"
#include "storage/log/header_walk.h"
#include "storage/log/segment_index.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kLargestIndex = 1U << 30;

template <class Entry>
struct Entries {
  bool is_readable = true;
  std::vector<Entry> all;
  std::string text;
};

/// Reads the entries of an index file as they stand there.
template <class Entry, class Load>
Result<Entries<Entry>> read_entries(FileSystem& files, const std::string& path, std::size_t entry_bytes, Load load) {
  const Result<std::string> text = read_file(files, path, kLargestIndex);
  if (!text && text.error() == Errc::not_found) return Entries<Entry>{};
  if (!text && text.error() == Errc::too_large) return Entries<Entry>{.is_readable = false, .all = {}, .text = {}};
  if (!text) return text.error();
  Entries<Entry> entries{.is_readable = text->size() % entry_bytes == 0, .all = {}, .text = *text};
  const std::byte* at = std::as_bytes(std::span(*text)).data();
  for (std::size_t i = 0; i < text->size() / entry_bytes; ++i, at += entry_bytes) entries.all.push_back(load(at));
  return entries;
}

Bytes as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Takes the seal off. An index without one, or with another, is not used.
void unseal(const Entries<SegmentIndex::Entry>& offsets, Entries<SegmentIndex::TimeEntry>& times) {
  if (offsets.all.empty() || times.all.empty()) return;
  const Bytes all = as_bytes(times.text);
  const Bytes sealed = all.first(std::max(all.size(), SegmentIndex::kSealBytes) - SegmentIndex::kSealBytes);
  times.is_readable =
      times.is_readable && std::ranges::equal(as_bytes(SegmentIndex::seal(as_bytes(offsets.text), sealed)), all.subspan(sealed.size()));
  if (times.is_readable) times.all.pop_back();
}

/// Batches come in order, and so should entries: each has to meet the batch it names.
class Matcher {
 public:
  Matcher(Entries<SegmentIndex::Entry> offsets, Entries<SegmentIndex::TimeEntry> times, Offset base)
      : offsets_(std::move(offsets)), times_(std::move(times)), base_(base) {}

  void pass(const BatchHeader& batch, std::uint64_t position) {
    const std::int64_t last = batch.last_offset() - base_;
    while (next_offset_ < offsets_.all.size() && offsets_.all[next_offset_].position <= position) {
      const SegmentIndex::Entry& entry = offsets_.all[next_offset_++];
      if (entry.position != position || entry.relative_offset != last) offsets_.is_readable = false;
    }
    while (next_time_ < times_.all.size() && times_.all[next_time_].relative_offset <= last) {
      const SegmentIndex::TimeEntry& entry = times_.all[next_time_++];
      if (entry.relative_offset != last || entry.timestamp != batch.max_timestamp) times_.is_readable = false;
    }
  }
  [[nodiscard]] bool offsets_fit(bool may_say_more) const {
    return offsets_.is_readable && (may_say_more || next_offset_ == offsets_.all.size());
  }
  [[nodiscard]] bool times_fit(bool may_say_more) const { return times_.is_readable && (may_say_more || next_time_ == times_.all.size()); }

 private:
  Entries<SegmentIndex::Entry> offsets_;
  Entries<SegmentIndex::TimeEntry> times_;
  Offset base_;
  std::size_t next_offset_ = 0;
  std::size_t next_time_ = 0;
};

}  // namespace

Result<IndexCheck> check_indexes(FileSystem& files, const std::string& directory, const CheckedSegment& segment) {
  const std::string index = offset_file(directory, segment.base, kIndexSuffix);
  const std::string time_index = offset_file(directory, segment.base, kTimeIndexSuffix);
  auto offsets = read_entries<SegmentIndex::Entry>(
      files, index, 8, [](const std::byte* at) { return SegmentIndex::Entry{load_be<std::uint32_t>(at), load_be<std::uint32_t>(at + 4)}; });
  if (!offsets) return offsets.error();
  auto times = read_entries<SegmentIndex::TimeEntry>(files, time_index, 12, [](const std::byte* at) {
    return SegmentIndex::TimeEntry{{load_be<std::int64_t>(at)}, load_be<std::uint32_t>(at + 8)};
  });
  if (!times) return times.error();
  unseal(*offsets, *times);
  IndexCheck check;
  Matcher matcher(std::move(*offsets), std::move(*times), segment.base);
  HeaderWalk walk(segment.file, 0, segment.end, segment.holes);
  while (true) {
    const Result<bool> more = walk.next();
    if (!more && more.error() != Errc::corrupt) return more.error();
    if (!more || !*more) break;
    ++check.batches;
    matcher.pass(walk.header(), walk.position());
  }
  if (!matcher.offsets_fit(segment.may_grow)) check.wrong_files.push_back(index);
  if (!matcher.times_fit(segment.may_grow)) check.wrong_files.push_back(time_index);
  return check;
}

}  // namespace tidelog::storage
