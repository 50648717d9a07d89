#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::bench {

/// What a produce answer said of a partition. `error_code` is the protocol's; `kMalformed` when the bytes are not an answer.
struct PartitionAnswer {
  std::int32_t partition = 0;
  std::int16_t error_code = 0;
  std::int64_t base_offset = 0;
};
struct ProduceAnswer {
  std::int32_t correlation_id = 0;
  std::vector<PartitionAnswer> partitions;  ///< In the order of the answer, which need not be that of the request.
};
inline constexpr std::int16_t kMalformed = 32'000;

/// What the one partition of a fetch answer said.
struct FetchAnswer {
  std::int32_t correlation_id = 0;
  std::int32_t partition = 0;
  std::int16_t error_code = 0;
  std::int64_t high_watermark = 0;
  Bytes records;
};

/// The whole batches in fetched bytes; a cut one at the end is left out.
struct BatchWalk {
  std::int64_t next_offset = 0;
  std::uint64_t records = 0;
  std::size_t bytes = 0;
  bool in_order = true;  ///< Each batch starts where the one before ended.
  bool crc_ok = true;    ///< Only looked at when asked for.
};

/// All take a frame without its length prefix. A produce answer goes where one was before, for its memory: there is one for every request.
void parse_produce(Bytes frame, ProduceAnswer& answer);
FetchAnswer parse_fetch(Bytes frame);
/// Walks batches that should begin at `offset` (or hold it, for the first).
BatchWalk walk_batches(Bytes records, std::int64_t offset, bool check_crc);

/// Empty when every API version this program speaks is served, else what is missing.
std::string missing_apis(Bytes api_versions_frame);
/// The number of partitions of the first topic that have a leader; -1 when the topic or a partition has an error.
std::int32_t led_partitions(Bytes metadata_frame);
/// The error code of the first topic of a CreateTopics v4 or DeleteTopics v3 answer.
std::int16_t topic_error(Bytes frame);

}  // namespace tidelog::bench
