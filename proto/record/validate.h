#pragma once

#include "proto/base/result.h"
#include "proto/error_code.h"
#include "proto/record/batch.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tidelog::proto {

/// Why a batch is refused: the code for its partition, a sentence for people, and, where single records are at fault, their places in
/// the batch (0-based, at most `kMaxRecordIndexes`) for RecordErrors of Produce v8 and later.
struct BatchError {
  ErrorCode code = ErrorCode::none;
  std::string message;
  std::vector<std::int32_t> record_indexes;
  bool is_about_contents = false;  ///< A whole batch came, and what it says cannot be stored.
  bool opens_to_too_much = false;  ///< Of a compressed batch: `max_decompressed_bytes` was met.
};

inline constexpr std::size_t kMaxRecordIndexes = 1000;

/// What a batch has to obey; topic settings and the request it came in.
struct ValidationRules {
  std::int32_t max_message_bytes = 1048588;  ///< max.message.bytes; the compressed size counts.
  std::size_t max_decompressed_bytes = decompressed_limit(1048588);
  bool is_compacted = false;                                  ///< Every record needs a key; compressed batches are opened to see.
  bool inspect_compressed = false;                            ///< Open compressed batches always (R18).
  bool allow_control = false;                                 ///< Only for what brokers write themselves.
  bool has_transactional_id = false;                          ///< The request carries one (and may use it).
  std::int16_t produce_version = 13;                          ///< zstd needs 7.
  TimestampType timestamp_type = TimestampType::create_time;  ///< message.timestamp.type; under LogAppendTime times are not looked at.
  TimestampMs now;
  std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_after_max_ms = 3'600'000;
};

/// A batch that may be stored.
struct CheckedBatch {
  BatchView batch;
  /// The greatest timestamp of its records (-1 at least), or the header's where the records were not looked at.
  TimestampMs max_timestamp;
  /// Under CreateTime: the header has another max timestamp, or claims LogAppendTime. Kafka corrects both on storing, and so do we:
  /// `BatchView::set_max_timestamp(bytes, max_timestamp)`.
  bool needs_correction = false;
};

/// Judges one batch as Produce must: CRC, size, header, codec, then the records: walked when they are not compressed, else trusted unless
/// the rules ask to look. Pure. Refuses more than Kafka where a consumer could stumble (wire notes: record batches).
Result<CheckedBatch, BatchError> check_batch(const BatchView& batch, const ValidationRules& rules);

/// The same without what is only needed for storing.
Result<void, BatchError> validate(const BatchView& batch, const ValidationRules& rules);

/// Judges what a client sent for one partition: exactly one sound batch. As with Kafka a cut piece behind it is passed over; the view
/// does not cover it.
Result<CheckedBatch, BatchError> validate_produce(Bytes records, const ValidationRules& rules);

}  // namespace tidelog::proto
