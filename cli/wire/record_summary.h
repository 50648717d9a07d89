#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tidelog::cli {

/// What a batch says of itself; the records stay closed.
struct BatchSummary {
  std::int64_t base_offset = 0;
  std::int64_t last_offset = 0;
  std::int32_t count = 0;
  std::int32_t leader_epoch = 0;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t base_sequence = 0;
  std::int64_t base_timestamp_ms = 0;
  std::int64_t max_timestamp_ms = 0;
  std::size_t size_bytes = 0;
  std::string_view codec;  ///< "unknown" for a number nobody has.
  bool is_crc_good = false;
  bool is_log_append_time = false;
  bool is_transactional = false;
  bool is_control = false;
};

/// What stands behind the last whole batch.
struct RecordsRest {
  std::size_t size_bytes = 0;
  std::string what;  ///< Why it is no batch; empty if nothing is left.
};

/// Tells `each` the batches of a records field. Nothing is kept, so that there may be many.
RecordsRest summarise_records(Bytes records, const std::function<void(const BatchSummary&)>& each);

}  // namespace tidelog::cli
