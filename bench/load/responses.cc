#include "bench/load/responses.h"

#include "bench/common/checksum.h"
#include "bench/common/wire.h"
#include "bench/load/requests.h"

#include <array>

namespace tidelog::bench {
namespace {

struct Needed {
  std::int16_t key;
  std::int16_t version;
  const char* name;
};
constexpr std::array kNeeded = {Needed{0, kProduceVersion, "Produce"}, Needed{1, kFetchVersion, "Fetch"},
                                Needed{3, kMetadataVersion, "Metadata"}, Needed{19, kCreateTopicsVersion, "CreateTopics"},
                                Needed{20, kDeleteTopicsVersion, "DeleteTopics"}};
constexpr std::size_t kBatchHeaderBytes = 61;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLengthEnd = 12;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kCrcEnd = 21;
constexpr std::size_t kLastOffsetDeltaAt = 23;
constexpr std::size_t kCountAt = 57;

void skip_int32_array(Reader& in) {
  const auto count = in.take<std::int32_t>();
  if (count > 0) in.take_bytes(static_cast<std::size_t>(count) * sizeof(std::int32_t));
}

/// What a produce answer says of a partition behind the base offset.
void skip_rest_of_partition(Reader& in) {
  in.take<std::int64_t>();  // log append time
  in.take<std::int64_t>();  // log start offset
  for (std::uint64_t count = in.take_uvarint(); count > 1 && in.ok(); --count) {
    in.take<std::int32_t>();
    in.take_compact_string();
    in.skip_tags();
  }
  in.take_compact_string();  // error message
  in.skip_tags();
}

void skip_brokers(Reader& in) {
  for (auto count = in.take<std::int32_t>(); count > 0 && in.ok(); --count) {
    in.take<std::int32_t>();
    in.take_string();
    in.take<std::int32_t>();
    in.take_string();
  }
}

}  // namespace

void parse_produce(Bytes frame, ProduceAnswer& answer) {
  Reader in(frame);
  answer.correlation_id = in.take<std::int32_t>();
  answer.partitions.clear();
  in.skip_tags();
  const bool one_topic = in.take_uvarint() == 2;
  in.take_compact_string();
  const std::uint64_t count = in.take_uvarint();
  for (std::uint64_t i = 1; i < count && in.ok(); ++i) {
    if (i > 1) skip_rest_of_partition(in);
    PartitionAnswer& each = answer.partitions.emplace_back();
    each.partition = in.take<std::int32_t>();
    each.error_code = in.take<std::int16_t>();
    each.base_offset = in.take<std::int64_t>();
  }
  if (!in.ok() || !one_topic || count < 2) answer.partitions.assign(1, {.error_code = kMalformed});
}

FetchAnswer parse_fetch(Bytes frame) {
  Reader in(frame);
  FetchAnswer answer{.correlation_id = in.take<std::int32_t>()};
  in.skip_tags();
  in.take<std::int32_t>();  // throttle time
  const auto top_error = in.take<std::int16_t>();
  in.take<std::int32_t>();  // session
  const bool one_topic = in.take_uvarint() == 2;
  in.take_compact_string();
  const bool one_partition = in.take_uvarint() == 2;
  answer.partition = in.take<std::int32_t>();
  answer.error_code = in.take<std::int16_t>();
  answer.high_watermark = in.take<std::int64_t>();
  in.take<std::int64_t>();  // last stable offset
  in.take<std::int64_t>();  // log start offset
  const std::uint64_t aborted = in.take_uvarint();
  in.take<std::int32_t>();  // preferred read replica
  const std::uint64_t records = in.take_uvarint();
  if (records > 1) answer.records = in.take_bytes(records - 1);
  if (top_error != 0) answer.error_code = top_error;
  if (!in.ok() || !one_topic || !one_partition || aborted > 1) answer.error_code = kMalformed;
  return answer;
}

BatchWalk walk_batches(Bytes records, std::int64_t offset, bool check_crc) {
  BatchWalk walk{.next_offset = offset};
  while (records.size() >= kBatchHeaderBytes) {
    const std::size_t size = kLengthEnd + load_be<std::uint32_t>(records.data() + kLengthAt);
    if (size > records.size() || size < kBatchHeaderBytes) break;
    const auto base = load_be<std::int64_t>(records.data());
    const std::int64_t next = base + load_be<std::int32_t>(records.data() + kLastOffsetDeltaAt) + 1;
    const bool fits = walk.bytes == 0 ? base <= walk.next_offset && walk.next_offset < next : base == walk.next_offset;
    walk.in_order = walk.in_order && fits;
    walk.next_offset = next;
    walk.records += load_be<std::uint32_t>(records.data() + kCountAt);
    walk.bytes += size;
    if (check_crc && crc32c(records.subspan(kCrcEnd, size - kCrcEnd)) != load_be<std::uint32_t>(records.data() + kCrcAt))
      walk.crc_ok = false;
    records = records.subspan(size);
  }
  return walk;
}

std::string missing_apis(Bytes api_versions_frame) {
  Reader in(api_versions_frame);
  in.take<std::int32_t>();
  if (in.take<std::int16_t>() != 0) return "ApiVersions was refused";
  std::array<bool, kNeeded.size()> found{};
  for (auto count = in.take<std::int32_t>(); count > 0 && in.ok(); --count) {
    const auto key = in.take<std::int16_t>();
    const auto low = in.take<std::int16_t>();
    const auto high = in.take<std::int16_t>();
    for (std::size_t i = 0; i < kNeeded.size(); ++i) {
      if (kNeeded[i].key == key) found[i] = low <= kNeeded[i].version && kNeeded[i].version <= high;
    }
  }
  std::string missing;
  for (std::size_t i = 0; i < kNeeded.size(); ++i) {
    if (!found[i]) missing += std::string(" ") + kNeeded[i].name + " v" + std::to_string(kNeeded[i].version);
  }
  return missing;
}

std::int32_t led_partitions(Bytes metadata_frame) {
  Reader in(metadata_frame);
  in.take<std::int32_t>();  // correlation id
  in.take<std::int32_t>();  // throttle time
  skip_brokers(in);
  in.take_string();
  in.take<std::int32_t>();  // controller
  if (in.take<std::int32_t>() != 1) return -1;
  if (in.take<std::int16_t>() != 0) return -1;
  in.take_string();
  in.take<std::int8_t>();
  std::int32_t led = 0;
  for (auto count = in.take<std::int32_t>(); count > 0 && in.ok(); --count) {
    if (in.take<std::int16_t>() != 0) return -1;
    in.take<std::int32_t>();
    led += in.take<std::int32_t>() >= 0 ? 1 : 0;
    in.take<std::int32_t>();
    for (int array = 0; array < 3; ++array) skip_int32_array(in);
  }
  return in.ok() ? led : -1;
}

std::int16_t topic_error(Bytes frame) {
  Reader in(frame);
  in.take<std::int32_t>();  // correlation id
  in.take<std::int32_t>();  // throttle time
  if (in.take<std::int32_t>() != 1) return kMalformed;
  in.take_string();
  const auto code = in.take<std::int16_t>();
  return in.ok() ? code : kMalformed;
}

}  // namespace tidelog::bench
