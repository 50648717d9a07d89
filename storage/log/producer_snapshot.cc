#include "storage/log/producer_snapshot.h"

#include "proto/record/crc32c.h"

namespace tidelog::storage {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcAt = 2, kCountAt = 6, kEntriesAt = 10;
constexpr std::size_t kEntryBytes = 46;
/// Where the fields of an entry begin.
constexpr std::size_t kId = 0, kEpoch = 8, kSequence = 10, kLastOffset = 14, kOffsetDelta = 22, kTimestamp = 26, kCoordinatorEpoch = 34,
                      kTxnFirstOffset = 38;

void store_entry(std::byte* at, const ProducerEntry& entry) {
  store_be<std::int64_t>(at + kId, entry.id.value);
  store_be<std::int16_t>(at + kEpoch, entry.epoch);
  store_be<std::int32_t>(at + kSequence, entry.batch.last_sequence);
  store_be<std::int64_t>(at + kLastOffset, entry.batch.last_offset.value);
  store_be<std::int32_t>(at + kOffsetDelta, entry.batch.offset_delta);
  store_be<std::int64_t>(at + kTimestamp, entry.batch.timestamp.value);
  store_be<std::int32_t>(at + kCoordinatorEpoch, -1);
  store_be<std::int64_t>(at + kTxnFirstOffset, -1);
}

ProducerEntry load_entry(const std::byte* at) {
  return {.id = {load_be<std::int64_t>(at + kId)},
          .epoch = load_be<std::int16_t>(at + kEpoch),
          .batch = {.last_sequence = load_be<std::int32_t>(at + kSequence),
                    .offset_delta = load_be<std::int32_t>(at + kOffsetDelta),
                    .last_offset = {load_be<std::int64_t>(at + kLastOffset)},
                    .timestamp = {load_be<std::int64_t>(at + kTimestamp)}}};
}

bool is_plausible(const ProducerEntry& entry) {
  return entry.id.value >= 0 && entry.epoch >= 0 && entry.batch.offset_delta >= 0 && entry.batch.last_sequence >= -1 &&
         entry.batch.last_offset >= Offset{-1};
}

}  // namespace

std::string encode_producer_snapshot(std::span<const ProducerEntry> entries) {
  std::string out(kEntriesAt + entries.size() * kEntryBytes, '\0');
  const MutableBytes bytes = std::as_writable_bytes(std::span(out));
  store_be<std::int16_t>(bytes.data(), kVersion);
  store_be<std::int32_t>(bytes.data() + kCountAt, static_cast<std::int32_t>(entries.size()));
  std::byte* at = bytes.data() + kEntriesAt;
  for (const ProducerEntry& entry : entries) {
    store_entry(at, entry);
    at += kEntryBytes;
  }
  store_be<std::uint32_t>(bytes.data() + kCrcAt, proto::crc32c(bytes.subspan(kCountAt)));
  return out;
}

Result<std::vector<ProducerEntry>> decode_producer_snapshot(Bytes bytes) {
  if (bytes.size() < kEntriesAt) return Errc::corrupt;
  if (load_be<std::int16_t>(bytes.data()) != kVersion) return Errc::unsupported;
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != proto::crc32c(bytes.subspan(kCountAt))) return Errc::corrupt;
  const auto count = load_be<std::int32_t>(bytes.data() + kCountAt);
  if (count < 0 || bytes.size() != kEntriesAt + static_cast<std::size_t>(count) * kEntryBytes) return Errc::corrupt;
  std::vector<ProducerEntry> entries;
  entries.reserve(static_cast<std::size_t>(count));
  for (const std::byte* at = bytes.data() + kEntriesAt; entries.size() < static_cast<std::size_t>(count); at += kEntryBytes) {
    entries.push_back(load_entry(at));
    if (!is_plausible(entries.back())) return Errc::corrupt;
  }
  return entries;
}

}  // namespace tidelog::storage
