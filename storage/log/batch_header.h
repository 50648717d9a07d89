#pragma once

#include "proto/record/batch.h"

namespace tidelog::storage {

/// The fixed part of a stored batch, as numbers: for walking a log without reading its records.
struct BatchHeader {
  Offset base_offset{0};
  std::uint32_t size_bytes = 0;  ///< The whole batch, header included.
  std::int32_t last_offset_delta = 0;
  LeaderEpoch leader_epoch{-1};
  std::int16_t attributes = 0;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 0;
  TimestampMs max_timestamp{-1};
  ProducerId producer_id{-1};

  [[nodiscard]] Offset last_offset() const { return base_offset + last_offset_delta; }
  [[nodiscard]] Offset next_offset() const { return last_offset() + 1; }
  [[nodiscard]] bool is_control() const { return (attributes & proto::kControlBit) != 0; }
  [[nodiscard]] bool has_producer() const { return producer_id.value >= 0; }
};

/// Reads the header at the front of `bytes`. `Errc::corrupt` unless magic, length, base offset and last offset delta can be true. The rest
/// of the batch need not be there and the CRC is not looked at.
inline Result<BatchHeader> parse_batch_header(Bytes bytes) {
  namespace field = proto::batch_field;
  if (bytes.size() < proto::kBatchHeaderBytes) return Errc::corrupt;
  const std::byte* at = bytes.data();
  if (load_be<std::int8_t>(at + field::kMagic) != proto::kBatchMagic) return Errc::corrupt;
  const auto length = load_be<std::int32_t>(at + field::kBatchLength);
  if (length < static_cast<std::int32_t>(proto::kBatchHeaderBytes - proto::kBatchOverheadBytes)) return Errc::corrupt;
  BatchHeader header;
  header.base_offset = {load_be<std::int64_t>(at + field::kBaseOffset)};
  header.size_bytes = static_cast<std::uint32_t>(length) + proto::kBatchOverheadBytes;
  header.last_offset_delta = load_be<std::int32_t>(at + field::kLastOffsetDelta);
  constexpr std::int64_t kHighest = INT64_MAX - INT32_MAX - 1;  // leaves room for base + delta + 1
  if (header.base_offset.value < 0 || header.base_offset.value > kHighest || header.last_offset_delta < 0) return Errc::corrupt;
  header.leader_epoch = {load_be<std::int32_t>(at + field::kLeaderEpoch)};
  header.attributes = load_be<std::int16_t>(at + field::kAttributes);
  header.max_timestamp = {load_be<std::int64_t>(at + field::kMaxTimestamp)};
  header.producer_id = {load_be<std::int64_t>(at + field::kProducerId)};
  header.producer_epoch = load_be<std::int16_t>(at + field::kProducerEpoch);
  header.base_sequence = load_be<std::int32_t>(at + field::kBaseSequence);
  header.record_count = load_be<std::int32_t>(at + field::kRecordCount);
  return header;
}

}  // namespace tidelog::storage
