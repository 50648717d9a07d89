#pragma once

#include "bench/common/wire.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::bench {

/// Where the correlation id stands in every request frame (length, key, version before it), so that a laid-out request can be reused.
inline constexpr std::size_t kCorrelationAt = 8;
/// API versions spoken: each is served by Apache Kafka 2.4 and later (Produce 11: 3.9), and addresses topics by name.
inline constexpr std::int16_t kProduceVersion = 11;
inline constexpr std::int16_t kFetchVersion = 12;
inline constexpr std::int16_t kMetadataVersion = 7;
inline constexpr std::int16_t kCreateTopicsVersion = 4;
inline constexpr std::int16_t kDeleteTopicsVersion = 3;

struct TopicShape {
  std::string name;
  std::int32_t partitions = 1;
  std::vector<std::pair<std::string, std::string>> configs;
};

struct PartitionRange {
  std::int32_t first = 0;
  std::int32_t count = 1;
};

/// One record batch v2 of equal records, uncompressed, not idempotent; values are noise that repeats from batch to batch.
std::vector<std::byte> make_batch(std::size_t record_count, std::size_t value_bytes);
/// How many records of that size fit a batch of at most `batch_bytes`; at least one.
std::size_t records_that_fit(std::size_t batch_bytes, std::size_t value_bytes);

/// Whole frames, length prefix included.
std::vector<std::byte> produce_request(std::string_view topic, std::int32_t partition, std::int16_t acks, Bytes batch);
/// The same batch for each partition of the range.
std::vector<std::byte> produce_request(std::string_view topic, PartitionRange partitions, std::int16_t acks, Bytes batch);
std::vector<std::byte> api_versions_request(std::int32_t correlation_id);
std::vector<std::byte> metadata_request(std::string_view topic, std::int32_t correlation_id);
std::vector<std::byte> create_topic_request(const TopicShape& topic, std::int32_t correlation_id);
std::vector<std::byte> delete_topic_request(std::string_view topic, std::int32_t correlation_id);

/// A fetch of one partition outside any session; `offset_at` is where the fetch offset stands, to be patched per request.
struct FetchTemplate {
  std::vector<std::byte> frame;
  std::size_t offset_at = 0;
};
FetchTemplate fetch_request(std::string_view topic, std::int32_t partition, std::int32_t max_bytes);

}  // namespace tidelog::bench
