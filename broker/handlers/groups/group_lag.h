#pragma once

#include "broker/handlers/handler.h"

#include <cstdint>
#include <vector>

namespace tidelog::broker {

/// How far a group is behind in one partition: the question, and the answer as the partition's owner gave it.
struct LagQuery {
  TopicPartition id;
  Offset committed;  ///< The first record that was not consumed.
  ErrorCode error = ErrorCode::none;

  std::int64_t end_offset = -1;      ///< The high watermark; -1: not known.
  std::int64_t lag_records = -1;     ///< Between the committed offset and there.
  std::int64_t lag_ms = -1;          ///< How old the first of them is that is still there; 0: there is none; -1: not known.
  Offset first_left{0};              ///< Where that one is looked for.
  std::size_t max_opened_bytes = 0;  ///< Of the batch that holds it.
};

/// Answers every query, also where it cannot be known. What lies on the disk is read on the blocking pool, as for ListOffsets by time: in
/// pieces, in turns with others, and not for longer than a request may take. Thread: the shard of the connection.
asio::awaitable<void> measure_lag(HandlerContext context, std::vector<LagQuery>& queries);

}  // namespace tidelog::broker
