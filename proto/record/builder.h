#pragma once

#include "proto/record/batch.h"
#include "proto/record/record.h"

#include <optional>
#include <span>

namespace tidelog::proto {

/// A record to be written. A key or value whose data() is nullptr is null; an empty one needs a pointer that is not.
struct NewRecord {
  TimestampMs timestamp;
  Bytes key;
  Bytes value;
  std::span<const RecordHeader> headers;
};

/// What a batch says about all of its records.
struct BatchFields {
  Codec codec = Codec::none;
  int level = kDefaultLevel;
  Offset base_offset{0};
  LeaderEpoch leader_epoch{-1};
  ProducerId producer_id{-1};
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  bool is_transactional = false;
  bool is_control = false;
  bool has_delete_horizon = false;                ///< The base timestamp set before the first record is the horizon.
  std::optional<TimestampMs> log_append_time;     ///< Sets LogAppendTime with this time.
  std::optional<std::int32_t> last_offset_delta;  ///< For the cleaner, which keeps the range of what it emptied.
  std::optional<TimestampMs> max_timestamp;       ///< The same; else the greatest of the records.
};

/// Lays records out as one batch, each straight into the bytes that will be sent.
/// Life: reuse one: `clear` keeps the memory. What `build` returns lasts until the next call of anything but `build`'s own getters.
/// Thread: one at a time.
class BatchBuilder {
 public:
  BatchBuilder() { clear(); }

  /// Offsets count 0, 1, 2 ... Needs size_with(record) < 2^31; a producer's size limits keep far below.
  void append(const NewRecord& record) { append_at(next_offset_delta_, record); }
  /// The same at a chosen offset, for rewriting a batch that has gaps.
  void append_at(std::int32_t offset_delta, const NewRecord& record);

  /// Makes timestamps count from `base` instead of the first record's. Needs an empty builder.
  void set_base_timestamp(TimestampMs base);

  [[nodiscard]] std::int32_t record_count() const { return record_count_; }
  [[nodiscard]] bool empty() const { return record_count_ == 0; }
  /// Bytes of the batch so far, header included, before compression.
  [[nodiscard]] std::size_t size_bytes() const { return plain_.size(); }
  /// What `size_bytes` would be after appending `record`.
  [[nodiscard]] std::size_t size_with(const NewRecord& record) const;

  /// The whole batch with its CRC. The records stay, so that the same can be built again with other fields.
  Bytes build(const BatchFields& fields);
  /// The same, to be stamped in place.
  MutableBytes build_mutable(const BatchFields& fields);

  /// Drops the records.
  void clear();

 private:
  struct Shape {
    std::int64_t timestamp_delta;
    std::size_t body_bytes;
  };
  [[nodiscard]] Shape shape_of(std::int32_t offset_delta, const NewRecord& record) const;
  void write_header(MutableBytes batch, const BatchFields& fields) const;

  ByteBuffer plain_;       ///< Room for the header, then the records.
  ByteBuffer compressed_;  ///< The same with compressed records, made by `build`.
  std::optional<TimestampMs> base_timestamp_;
  TimestampMs max_timestamp_{-1};
  std::int32_t record_count_ = 0;
  std::int32_t next_offset_delta_ = 0;
};

}  // namespace tidelog::proto
