#include "storage/journal/round.h"

#include "proto/base/endian.h"
#include "proto/record/crc32c.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSaltAt = 0, kVersionAt = 8, kCrcAt = 12, kRunIdAt = 16, kNumberAt = 24, kPreviousCrcAt = 32, kPayloadCrcAt = 36,
                      kPayloadBytesAt = 40, kEntryCountAt = 48;

// An entry: these, then the batch if it is one.
constexpr std::size_t kKindAt = 0, kSizeAt = 4, kLogIdAt = 8, kBaseOffsetAt = 16, kLastOffsetAt = 24, kEpochAt = 32, kHeadBytes = 36;

constexpr std::array<std::byte, kJournalBlockBytes> kPadding{};

}  // namespace

Result<RoundHeader> decode_round_header(Bytes bytes, std::uint64_t salt) {
  if (bytes.size() < kRoundHeaderBytes) return Errc::corrupt;
  const std::byte* at = bytes.data();
  if (load_be<std::uint64_t>(at + kSaltAt) != salt || load_be<std::uint32_t>(at + kVersionAt) != kVersion) return Errc::corrupt;
  RoundHeader header;
  header.crc = load_be<std::uint32_t>(at + kCrcAt);
  if (header.crc != proto::crc32c(bytes.subspan(kRunIdAt, kRoundHeaderBytes - kRunIdAt))) return Errc::corrupt;
  header.run_id = load_be<std::uint64_t>(at + kRunIdAt);
  header.number = load_be<std::uint64_t>(at + kNumberAt);
  header.previous_crc = load_be<std::uint32_t>(at + kPreviousCrcAt);
  header.payload_crc = load_be<std::uint32_t>(at + kPayloadCrcAt);
  header.payload_bytes = load_be<std::uint64_t>(at + kPayloadBytesAt);
  header.entry_count = load_be<std::uint32_t>(at + kEntryCountAt);
  return header;
}

void RoundBuilder::add_batch(std::uint64_t log_id, const BatchHeader& header, Bytes batch) {
  add({.kind = EntryKind::batch,
       .log_id = log_id,
       .base_offset = header.base_offset,
       .last_offset = header.last_offset(),
       .epoch = header.leader_epoch,
       .batch = batch});
}

void RoundBuilder::add_base(const JournalBase& base) {
  add({.kind = EntryKind::base, .log_id = base.log_id, .base_offset = base.end, .last_offset = base.end, .batch = {}});
}

void RoundBuilder::add(const JournalEntry& entry) {
  const std::size_t at = heads_.size();
  heads_.resize(at + kHeadBytes);
  std::byte* head = heads_.data() + at;
  head[kKindAt] = static_cast<std::byte>(entry.kind);
  store_be<std::uint32_t>(head + kSizeAt, static_cast<std::uint32_t>(kHeadBytes + entry.batch.size()));
  store_be<std::uint64_t>(head + kLogIdAt, entry.log_id);
  store_be<std::int64_t>(head + kBaseOffsetAt, entry.base_offset.value);
  store_be<std::int64_t>(head + kLastOffsetAt, entry.last_offset.value);
  store_be<std::int32_t>(head + kEpochAt, entry.epoch.value);
  batches_.push_back(entry.batch);
  payload_bytes_ += kHeadBytes + entry.batch.size();
}

RoundBuilder::Frame RoundBuilder::finish(const Place& place) {
  parts_.clear();
  parts_.emplace_back(header_);
  std::uint32_t payload_crc = 0;
  const auto add = [&](Bytes part) {
    payload_crc = proto::crc32c_extend(payload_crc, part);
    parts_.push_back(part);
  };
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    add(Bytes(heads_).subspan(i * kHeadBytes, kHeadBytes));
    add(batches_[i]);
  }
  const std::uint64_t padding = frame_bytes() - kRoundHeaderBytes - payload_bytes_;
  if (padding > 0) parts_.push_back(Bytes(kPadding).first(padding));

  header_ = {};
  store_be<std::uint64_t>(header_.data() + kSaltAt, place.salt);
  store_be<std::uint32_t>(header_.data() + kVersionAt, kVersion);
  store_be<std::uint64_t>(header_.data() + kRunIdAt, place.run_id);
  store_be<std::uint64_t>(header_.data() + kNumberAt, place.number);
  store_be<std::uint32_t>(header_.data() + kPreviousCrcAt, place.previous_crc);
  store_be<std::uint32_t>(header_.data() + kPayloadCrcAt, payload_crc);
  store_be<std::uint64_t>(header_.data() + kPayloadBytesAt, payload_bytes_);
  store_be<std::uint32_t>(header_.data() + kEntryCountAt, static_cast<std::uint32_t>(batches_.size()));
  const std::uint32_t crc = proto::crc32c(Bytes(header_).subspan(kRunIdAt));
  store_be<std::uint32_t>(header_.data() + kCrcAt, crc);
  return {.parts = parts_, .crc = crc};
}

void RoundBuilder::clear() {
  heads_.clear();
  batches_.clear();
  parts_.clear();
  payload_bytes_ = 0;
}

Result<std::optional<JournalEntry>> EntryReader::next() {
  if (rest_.empty()) return std::optional<JournalEntry>{};
  if (rest_.size() < kHeadBytes) return Errc::corrupt;
  const auto kind = static_cast<EntryKind>(rest_[kKindAt]);
  if (kind != EntryKind::batch && kind != EntryKind::base) return Errc::corrupt;
  const std::size_t size = load_be<std::uint32_t>(rest_.data() + kSizeAt);
  if (size < kHeadBytes || size > rest_.size() || (kind == EntryKind::base && size != kHeadBytes)) return Errc::corrupt;
  JournalEntry entry{.kind = kind,
                     .log_id = load_be<std::uint64_t>(rest_.data() + kLogIdAt),
                     .base_offset = {load_be<std::int64_t>(rest_.data() + kBaseOffsetAt)},
                     .last_offset = {load_be<std::int64_t>(rest_.data() + kLastOffsetAt)},
                     .epoch = {load_be<std::int32_t>(rest_.data() + kEpochAt)},
                     .batch = rest_.subspan(kHeadBytes, size - kHeadBytes)};
  if (entry.base_offset.value < 0 || entry.last_offset < entry.base_offset) return Errc::corrupt;
  rest_ = rest_.subspan(size);
  return std::optional(entry);
}

}  // namespace tidelog::storage
