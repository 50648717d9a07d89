#pragma once

#include "proto/base/types.h"
#include "proto/codec/output.h"

#include <cstdint>
#include <string_view>

namespace tidelog::proto {

// Produce for one partition, without tagged fields: what a busy producer sends and gets thousands of times a second. Read and written by
// hand, since the tables of `ProduceRequest` and `ProduceResponse` cost ten times as much; they say the same.

/// The fields of such a request. Views of what was decoded.
struct SingleProduce {
  std::string_view transactional_id;  ///< Null: data() == nullptr.
  std::int16_t acks = 0;
  std::int32_t timeout_ms = 0;
  std::string_view topic;  ///< Up to version 12; from then on the id.
  Uuid topic_id;
  std::int32_t partition = 0;
  Bytes records;  ///< Null: data() == nullptr.
};

/// Reads the body of a request in any version that is served. False, with `out` unspecified, for any other than such a request, sound or
/// not: the tables tell.
bool decode_single_produce(Bytes body, std::int16_t version, SingleProduce& out);

/// The answer to such a request whose records were taken.
struct SingleProduced {
  std::string_view topic;
  Uuid topic_id;
  std::int32_t partition = 0;
  Offset base_offset;
  TimestampMs log_append_time{-1};
  Offset log_start_offset;
};

/// Writes its body, as the tables would.
void encode_single_produced(const SingleProduced& answer, std::int16_t version, Output& out);

}  // namespace tidelog::proto
