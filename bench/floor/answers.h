#pragma once

#include "proto/base/types.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidelog::bench {

/// Answers of the size and shape a broker gives: Produce v9 to v11 and Fetch v12 for one partition of one topic, laid out once and
/// patched per request. Thread: one.
class Answers {
 public:
  Answers();

  /// A produce answer that acknowledges; base offsets rise by one a request.
  Bytes produce(std::int32_t correlation_id);

  /// All of a fetch answer but its records, which `records_bytes` bytes that the caller sends (and `fetch_tail`) must follow.
  Bytes fetch_head(std::int32_t correlation_id, std::size_t records_bytes);

  /// What stands behind the records.
  static Bytes fetch_tail();

 private:
  std::vector<std::byte> produce_;
  std::size_t base_offset_at_ = 0;
  std::int64_t next_offset_ = 0;
  std::vector<std::byte> fetch_;
};

}  // namespace tidelog::bench
