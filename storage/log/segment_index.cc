#include "storage/log/segment_index.h"

#include "proto/record/crc32c.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

constexpr std::size_t kEntryBytes = 8;
constexpr std::size_t kTimeEntryBytes = 12;
/// No time that a record may have.
constexpr std::int64_t kSealBit = std::int64_t{1} << 62;

template <class Range>
auto* last_before(Range& range, typename Range::const_iterator above) {
  return above == range.begin() ? nullptr : &*std::prev(above);
}

void put_time(std::string& out, const SegmentIndex::TimeEntry& entry) {
  std::byte bytes[kTimeEntryBytes];
  store_be<std::int64_t>(bytes, entry.timestamp.value);
  store_be<std::uint32_t>(bytes + 8, entry.relative_offset);
  out.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

Bytes as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

std::string SegmentIndex::seal(Bytes offsets, Bytes times) {
  std::string out;
  put_time(out, {.timestamp = {kSealBit | proto::crc32c_extend(proto::crc32c(offsets), times)}, .relative_offset = 0});
  return out;
}

void SegmentIndex::add(const BatchHeader& batch, std::uint64_t position) {
  note_time(batch);
  if (bytes_since_entry_ > interval_bytes_) {
    entries_.push_back({static_cast<std::uint32_t>(batch.last_offset() - base_), static_cast<std::uint32_t>(position)});
    const TimestampMs last = times_.empty() ? TimestampMs{-1} : times_.back().timestamp;
    if (newest_.timestamp > last) times_.push_back({newest_.timestamp, static_cast<std::uint32_t>(newest_.offset - base_)});
    bytes_since_entry_ = 0;
  }
  bytes_since_entry_ += batch.size_bytes;
}

void SegmentIndex::note_time(const BatchHeader& batch) {
  if (batch.max_timestamp > newest_.timestamp) newest_ = {batch.max_timestamp, batch.last_offset()};
}

const SegmentIndex::Entry* SegmentIndex::floor(Offset offset) const {
  if (offset < base_) return nullptr;
  const auto relative = static_cast<std::uint64_t>(offset - base_);
  return last_before(entries_, std::ranges::upper_bound(entries_, relative, {}, &Entry::relative_offset));
}

const SegmentIndex::Entry* SegmentIndex::floor_position(std::uint64_t position) const {
  return last_before(entries_, std::ranges::upper_bound(entries_, position, {}, &Entry::position));
}

const SegmentIndex::TimeEntry* SegmentIndex::before(TimestampMs timestamp) const {
  return last_before(times_, std::ranges::lower_bound(times_, timestamp, {}, &TimeEntry::timestamp));
}

std::size_t SegmentIndex::file_bytes() const { return entries_.size() * kEntryBytes; }

std::size_t SegmentIndex::memory_bytes() const { return entries_.capacity() * sizeof(Entry) + times_.capacity() * sizeof(TimeEntry); }

std::string SegmentIndex::encode_offsets() const {
  std::string out(entries_.size() * kEntryBytes, '\0');
  std::byte* at = std::as_writable_bytes(std::span(out)).data();
  for (const Entry& entry : entries_) {
    store_be<std::uint32_t>(at, entry.relative_offset);
    store_be<std::uint32_t>(at + 4, entry.position);
    at += kEntryBytes;
  }
  return out;
}

std::string SegmentIndex::encode_times() const {
  std::string out;
  out.reserve((times_.size() + 2) * kTimeEntryBytes);
  for (const TimeEntry& entry : times_) put_time(out, entry);
  const TimestampMs last = times_.empty() ? TimestampMs{-1} : times_.back().timestamp;
  if (newest_.timestamp > last) put_time(out, {newest_.timestamp, static_cast<std::uint32_t>(newest_.offset - base_)});
  if (!entries_.empty()) out += seal(as_bytes(encode_offsets()), as_bytes(out));
  return out;
}

bool SegmentIndex::decode(Bytes offsets, Bytes times, std::uint64_t size_bytes) {
  if (offsets.size() % kEntryBytes != 0 || times.size() % kTimeEntryBytes != 0 || times.size() < kSealBytes) return false;
  const Bytes sealed = times.first(times.size() - kSealBytes);
  if (!std::ranges::equal(as_bytes(seal(offsets, sealed)), times.last(kSealBytes))) return false;
  times = sealed;
  entries_.reserve(offsets.size() / kEntryBytes);
  for (const std::byte* at = offsets.data(); at != offsets.data() + offsets.size(); at += kEntryBytes) {
    const Entry entry{load_be<std::uint32_t>(at), load_be<std::uint32_t>(at + 4)};
    if (entry.relative_offset > INT32_MAX || entry.position == 0 || entry.position >= size_bytes) return false;
    const bool rises =
        entries_.empty() || (entry.relative_offset > entries_.back().relative_offset && entry.position > entries_.back().position);
    if (!rises) return false;
    entries_.push_back(entry);
  }
  times_.reserve(times.size() / kTimeEntryBytes);
  for (const std::byte* at = times.data(); at != times.data() + times.size(); at += kTimeEntryBytes) {
    const TimeEntry entry{{load_be<std::int64_t>(at)}, load_be<std::uint32_t>(at + 8)};
    // What lies behind the last offset entry is found again by the walk that follows.
    if (entries_.empty() || entry.relative_offset > entries_.back().relative_offset) break;
    const bool rises =
        entry.timestamp.value >= 0 &&
        (times_.empty() || (entry.timestamp > times_.back().timestamp && entry.relative_offset > times_.back().relative_offset));
    if (!rises) return false;
    times_.push_back(entry);
  }
  return true;
}

bool SegmentIndex::resume(const BatchHeader& batch) {
  if (entries_.empty()) return false;
  if (batch.last_offset() - base_ != static_cast<std::int64_t>(entries_.back().relative_offset)) return false;
  if (!times_.empty()) newest_ = {times_.back().timestamp, base_ + times_.back().relative_offset};
  // An entry and the time known with it are written together, so a batch newer than that cannot be the entry's.
  if (batch.max_timestamp > newest_.timestamp) return false;
  bytes_since_entry_ = batch.size_bytes;
  return true;
}

}  // namespace tidelog::storage
