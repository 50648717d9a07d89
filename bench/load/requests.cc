#include "bench/load/requests.h"

#include "bench/common/checksum.h"

#include <chrono>
#include <random>

namespace tidelog::bench {
namespace {

constexpr std::string_view kClientId = "tidelog-load";
constexpr std::size_t kBatchHeaderBytes = 61;
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kLengthEnd = 12;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kCrcEnd = 21;
constexpr std::int32_t kTimeoutMs = 30'000;

Writer begin(std::int16_t api_key, std::int16_t version, std::int32_t correlation_id, bool flexible) {
  Writer out;
  out.put<std::int32_t>(0);
  out.put(api_key);
  out.put(version);
  out.put(correlation_id);
  out.put_string(kClientId);
  if (flexible) out.put_uvarint(0);
  return out;
}

std::vector<std::byte> end(Writer& out) {
  out.patch(0, static_cast<std::int32_t>(out.size() - sizeof(std::int32_t)));
  return {out.bytes().begin(), out.bytes().end()};
}

std::int64_t wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::vector<std::byte> noise(std::size_t size) {
  std::mt19937_64 random(20'240'229);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

void put_record(Writer& out, std::size_t index, Bytes value) {
  Writer body;
  body.put<std::int8_t>(0);
  body.put_varint(0);  // timestamp delta
  body.put_varint(static_cast<std::int64_t>(index));
  body.put_varint(-1);  // no key
  body.put_varint(static_cast<std::int64_t>(value.size()));
  body.append(value);
  body.put_varint(0);  // no headers
  out.put_varint(static_cast<std::int64_t>(body.size()));
  out.append(body.bytes());
}

}  // namespace

std::vector<std::byte> make_batch(std::size_t record_count, std::size_t value_bytes) {
  const std::int64_t now = wall_clock_ms();
  Writer out;
  out.put<std::int64_t>(0);   // base offset
  out.put<std::int32_t>(0);   // length
  out.put<std::int32_t>(-1);  // leader epoch
  out.put<std::int8_t>(2);
  out.put<std::uint32_t>(0);  // CRC
  out.put<std::int16_t>(0);   // attributes
  out.put(static_cast<std::int32_t>(record_count - 1));
  out.put(now);
  out.put(now);
  out.put<std::int64_t>(-1);  // producer id
  out.put<std::int16_t>(-1);
  out.put<std::int32_t>(-1);
  out.put(static_cast<std::int32_t>(record_count));
  const std::vector<std::byte> values = noise(value_bytes * record_count);
  for (std::size_t i = 0; i < record_count; ++i) put_record(out, i, Bytes(values).subspan(i * value_bytes, value_bytes));
  out.patch(kLengthAt, static_cast<std::int32_t>(out.size() - kLengthEnd));
  out.patch(kCrcAt, crc32c(out.bytes().subspan(kCrcEnd)));
  return {out.bytes().begin(), out.bytes().end()};
}

std::size_t records_that_fit(std::size_t batch_bytes, std::size_t value_bytes) {
  std::size_t count = 0;
  const std::vector<std::byte> value(value_bytes);
  Writer records;
  while (kBatchHeaderBytes + records.size() <= batch_bytes) put_record(records, count++, value);
  return count <= 2 ? 1 : count - 1;
}

std::vector<std::byte> produce_request(std::string_view topic, std::int32_t partition, std::int16_t acks, Bytes batch) {
  return produce_request(topic, PartitionRange{.first = partition}, acks, batch);
}

std::vector<std::byte> produce_request(std::string_view topic, PartitionRange partitions, std::int16_t acks, Bytes batch) {
  Writer out = begin(0, kProduceVersion, 0, true);
  out.put_uvarint(0);  // no transactional id
  out.put(acks);
  out.put(kTimeoutMs);
  out.put_uvarint(2);
  out.put_compact_string(topic);
  out.put_uvarint(static_cast<std::uint64_t>(partitions.count) + 1);
  for (std::int32_t i = 0; i < partitions.count; ++i) {
    out.put(partitions.first + i);
    out.put_uvarint(batch.size() + 1);
    out.append(batch);
    out.put_uvarint(0);  // no tagged fields
  }
  for (int section = 0; section < 2; ++section) out.put_uvarint(0);  // no tagged fields: topic, message
  return end(out);
}

std::vector<std::byte> api_versions_request(std::int32_t correlation_id) {
  Writer out = begin(18, 0, correlation_id, false);
  return end(out);
}

std::vector<std::byte> metadata_request(std::string_view topic, std::int32_t correlation_id) {
  Writer out = begin(3, kMetadataVersion, correlation_id, false);
  out.put<std::int32_t>(1);
  out.put_string(topic);
  out.put<std::int8_t>(0);  // never create it: a figure must not depend on default settings
  return end(out);
}

std::vector<std::byte> create_topic_request(const TopicShape& topic, std::int32_t correlation_id) {
  Writer out = begin(19, kCreateTopicsVersion, correlation_id, false);
  out.put<std::int32_t>(1);
  out.put_string(topic.name);
  out.put(topic.partitions);
  out.put<std::int16_t>(1);  // replication factor
  out.put<std::int32_t>(0);  // no assignments
  out.put(static_cast<std::int32_t>(topic.configs.size()));
  for (const auto& [key, value] : topic.configs) {
    out.put_string(key);
    out.put_string(value);
  }
  out.put(kTimeoutMs);
  out.put<std::int8_t>(0);  // not only validated
  return end(out);
}

std::vector<std::byte> delete_topic_request(std::string_view topic, std::int32_t correlation_id) {
  Writer out = begin(20, kDeleteTopicsVersion, correlation_id, false);
  out.put<std::int32_t>(1);
  out.put_string(topic);
  out.put(kTimeoutMs);
  return end(out);
}

FetchTemplate fetch_request(std::string_view topic, std::int32_t partition, std::int32_t max_bytes) {
  Writer out = begin(1, kFetchVersion, 0, true);
  out.put<std::int32_t>(-1);   // a consumer
  out.put<std::int32_t>(500);  // max wait
  out.put<std::int32_t>(1);    // min bytes
  out.put(max_bytes);
  out.put<std::int8_t>(0);   // read uncommitted
  out.put<std::int32_t>(0);  // no session
  out.put<std::int32_t>(-1);
  out.put_uvarint(2);
  out.put_compact_string(topic);
  out.put_uvarint(2);
  out.put(partition);
  out.put<std::int32_t>(-1);  // leader epoch
  const std::size_t offset_at = out.size();
  out.put<std::int64_t>(0);
  out.put<std::int32_t>(-1);  // last fetched epoch
  out.put<std::int64_t>(-1);  // log start offset
  out.put(max_bytes);
  out.put_uvarint(0);
  out.put_uvarint(0);
  out.put_uvarint(1);  // nothing forgotten
  out.put_compact_string("");
  out.put_uvarint(0);
  return {.frame = end(out), .offset_at = offset_at};
}

}  // namespace tidelog::bench
