#pragma once

#include "proto/base/endian.h"
#include "proto/base/result.h"
#include "proto/base/types.h"
#include "proto/record/compression.h"

#include <cstdint>

namespace tidelog::proto {

inline constexpr std::size_t kBatchHeaderBytes = 61;
/// Base offset and batch length: what stands before the bytes that the batch length counts.
inline constexpr std::size_t kBatchOverheadBytes = 12;
inline constexpr std::int8_t kBatchMagic = 2;

/// Where the fields of a batch header begin (docs: record batch, format 2).
/// | at | field              | at | field           |
/// |  0 | base offset i64    | 27 | base time i64   |
/// |  8 | batch length i32   | 35 | max time i64    |
/// | 12 | leader epoch i32   | 43 | producer id i64 |
/// | 16 | magic i8           | 51 | producer epoch i16 |
/// | 17 | CRC-32C u32        | 53 | base sequence i32 |
/// | 21 | attributes i16     | 57 | record count i32 |
/// | 23 | last offset delta i32 | 61 | records, compressed as one piece |
/// The CRC covers everything from the attributes on, so base offset and leader epoch are stamped without a new one.
namespace batch_field {
inline constexpr std::size_t kBaseOffset = 0, kBatchLength = 8, kLeaderEpoch = 12, kMagic = 16, kCrc = 17, kAttributes = 21,
                             kLastOffsetDelta = 23;
inline constexpr std::size_t kBaseTimestamp = 27, kMaxTimestamp = 35, kProducerId = 43, kProducerEpoch = 51, kBaseSequence = 53,
                             kRecordCount = 57;
}  // namespace batch_field

/// Bits of a batch's attributes above the codec.
inline constexpr std::int16_t kCodecMask = 0x07, kLogAppendTimeBit = 0x08, kTransactionalBit = 0x10, kControlBit = 0x20,
                              kDeleteHorizonBit = 0x40;
inline constexpr std::int16_t kKnownAttributes = 0x7f;

enum class TimestampType : std::uint8_t { create_time, log_append_time };

/// One record batch (format 2), read in place: every accessor loads from the bytes, nothing is copied.
/// Life: a view; the bytes outlive it.  Thread: any.
/// Invariant: the whole batch is there and its length and magic are right. All other fields are as the sender wrote them: hostile until
/// `crc_ok` and `is_consistent`, or `validate`, say otherwise. Arithmetic on them wraps and is never undefined.
class BatchView {
 public:
  /// The batch at the front of `bytes`; more bytes may follow. `Errc::corrupt` if the batch is cut or its length impossible,
  /// `Errc::unsupported` if it has another magic than 2. The CRC is not looked at.
  static Result<BatchView> parse(Bytes bytes);

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_.size(); }
  /// The records, compressed as `codec` says.
  [[nodiscard]] Bytes payload() const { return bytes_.subspan(kBatchHeaderBytes); }

  [[nodiscard]] Offset base_offset() const { return {load<std::int64_t>(batch_field::kBaseOffset)}; }
  [[nodiscard]] Offset last_offset() const { return offset_at(last_offset_delta()); }
  /// Where the next batch begins. From the last offset delta, never from the count: compaction removes records but keeps the range.
  [[nodiscard]] Offset next_offset() const { return offset_at(std::int64_t{last_offset_delta()} + 1); }
  [[nodiscard]] std::int32_t last_offset_delta() const { return load<std::int32_t>(batch_field::kLastOffsetDelta); }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return {load<std::int32_t>(batch_field::kLeaderEpoch)}; }
  [[nodiscard]] std::int32_t record_count() const { return load<std::int32_t>(batch_field::kRecordCount); }

  [[nodiscard]] std::uint32_t crc() const { return load<std::uint32_t>(batch_field::kCrc); }
  [[nodiscard]] bool crc_ok() const;
  /// Whether offsets and counts can be true: non-negative, no overflow, no more records than offsets. Base offset and leader epoch lie
  /// outside the CRC, so bytes from a disk or a peer need this as well as `crc_ok`.
  [[nodiscard]] bool is_consistent() const;

  [[nodiscard]] std::int16_t attributes() const { return load<std::int16_t>(batch_field::kAttributes); }
  [[nodiscard]] Codec codec() const { return static_cast<Codec>(attributes() & kCodecMask); }
  [[nodiscard]] TimestampType timestamp_type() const {
    return has(kLogAppendTimeBit) ? TimestampType::log_append_time : TimestampType::create_time;
  }
  [[nodiscard]] bool is_transactional() const { return has(kTransactionalBit); }
  [[nodiscard]] bool is_control() const { return has(kControlBit); }
  /// The base timestamp then holds the time from which tombstones may go.
  [[nodiscard]] bool has_delete_horizon() const { return has(kDeleteHorizonBit); }

  [[nodiscard]] TimestampMs base_timestamp() const { return {load<std::int64_t>(batch_field::kBaseTimestamp)}; }
  [[nodiscard]] TimestampMs max_timestamp() const { return {load<std::int64_t>(batch_field::kMaxTimestamp)}; }

  [[nodiscard]] ProducerId producer_id() const { return {load<std::int64_t>(batch_field::kProducerId)}; }
  [[nodiscard]] bool has_producer_id() const { return producer_id().value >= 0; }
  [[nodiscard]] std::int16_t producer_epoch() const { return load<std::int16_t>(batch_field::kProducerEpoch); }
  [[nodiscard]] std::int32_t base_sequence() const { return load<std::int32_t>(batch_field::kBaseSequence); }
  /// Sequences go on at 0 after 2^31 - 1; -1 if the batch has none.
  [[nodiscard]] std::int32_t last_sequence() const;

  /// Writes what the leader decides. Neither field is under the CRC. Needs the bytes of a parsed batch, as the next two do.
  static void stamp(MutableBytes batch, Offset base, LeaderEpoch epoch);
  /// Makes `now` the time of every record (LogAppendTime), with a new CRC.
  static void restamp_log_append_time(MutableBytes batch, TimestampMs now);
  /// Sets the max timestamp of a batch under CreateTime, clearing a LogAppendTime flag that is not the client's to set, with a new CRC.
  static void set_max_timestamp(MutableBytes batch, TimestampMs max);

 private:
  explicit BatchView(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] T load(std::size_t at) const {
    return load_be<T>(bytes_.data() + at);
  }
  [[nodiscard]] bool has(std::int16_t bit) const { return (attributes() & bit) != 0; }
  [[nodiscard]] Offset offset_at(std::int64_t delta) const {
    return {static_cast<std::int64_t>(static_cast<std::uint64_t>(base_offset().value) + static_cast<std::uint64_t>(delta))};
  }

  Bytes bytes_;
};

}  // namespace tidelog::proto
