#include "proto/record/batch_cursor.h"
#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "tests/unit/proto/record_sha256.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::proto {
namespace {

using test::Json;

void expect_bytes(const Json& expected, const std::string& name, Bytes got) {
  if (expected.contains(name + "Sha256")) {
    EXPECT_EQ(got.size(), expected[name + "Length"].get<std::size_t>());
    EXPECT_EQ(test::sha256(got), expected[name + "Sha256"].get<std::string>());
    return;
  }
  EXPECT_EQ(got.data() == nullptr, expected[name].is_null()) << name;
  if (expected[name].is_string()) {
    EXPECT_EQ(test::to_hex(got), expected[name].get<std::string>()) << name;
  }
}

void expect_record(const Json& expected, const BatchView& batch, const RecordView& got) {
  EXPECT_EQ(got.offset.value, expected["offset"].get<std::int64_t>());
  EXPECT_EQ(got.timestamp.value, expected["timestamp"].get<std::int64_t>());
  const auto delta = static_cast<std::uint32_t>(got.offset - batch.base_offset());
  const auto sequence = (static_cast<std::uint32_t>(batch.base_sequence()) + delta) & 0x7fffffff;
  EXPECT_EQ(batch.base_sequence() < 0 ? -1 : static_cast<std::int32_t>(sequence), expected["sequence"].get<std::int32_t>());
  expect_bytes(expected, "key", got.key);
  expect_bytes(expected, "value", got.value);
  ASSERT_EQ(got.headers.size(), expected["headers"].size());
  std::size_t index = 0;
  for (const RecordHeader& header : got.headers) {
    const Json& pair = expected["headers"][index++];
    EXPECT_EQ(header.name, pair[0].get<std::string>());
    EXPECT_EQ(header.value.data() == nullptr, pair[1].is_null());
    if (pair[1].is_string()) EXPECT_EQ(test::to_hex(header.value), pair[1].get<std::string>());
  }
  EXPECT_EQ(index, expected["headers"].size());
}

void expect_fields(const Json& expected, const BatchView& batch) {
  const auto number = [&](const char* name) { return expected[name].get<std::int64_t>(); };
  EXPECT_EQ(batch.base_offset().value, number("baseOffset"));
  EXPECT_EQ(static_cast<std::int64_t>(batch.size_bytes() - kBatchOverheadBytes), number("batchLength"));
  EXPECT_EQ(batch.leader_epoch().value, number("partitionLeaderEpoch"));
  EXPECT_EQ(batch.crc(), number("crc"));
  EXPECT_EQ(batch.attributes(), number("attributes"));
  EXPECT_EQ(batch.last_offset_delta(), number("lastOffsetDelta"));
  EXPECT_EQ(batch.base_timestamp().value, number("baseTimestamp"));
  EXPECT_EQ(batch.max_timestamp().value, number("maxTimestamp"));
  EXPECT_EQ(batch.producer_id().value, number("producerId"));
  EXPECT_EQ(batch.producer_epoch(), number("producerEpoch"));
  EXPECT_EQ(batch.base_sequence(), number("baseSequence"));
  EXPECT_EQ(batch.record_count(), number("recordCount"));
  EXPECT_EQ(name(batch.codec()), expected["codec"].get<std::string>());
  EXPECT_EQ(batch.timestamp_type() == TimestampType::log_append_time, expected["timestampType"] == "LogAppendTime");
  EXPECT_EQ(batch.is_transactional(), expected["transactional"].get<bool>());
  EXPECT_EQ(batch.is_control(), expected["control"].get<bool>());
  EXPECT_EQ(batch.has_delete_horizon(), expected.contains("deleteHorizonMs"));
  EXPECT_EQ(batch.last_offset().value, number("lastOffset"));
  EXPECT_EQ(batch.next_offset().value, number("nextOffset"));
  EXPECT_EQ(batch.last_sequence(), number("lastSequence"));
  EXPECT_TRUE(batch.crc_ok());
  EXPECT_TRUE(batch.is_consistent());
}

void expect_batch(const Json& expected, const BatchView& batch) {
  expect_fields(expected, batch);
  RecordReader reader;
  std::size_t index = 0;
  const Result<void> read = for_each_record(batch, reader, [&](const RecordView& record) {
    ASSERT_LT(index, expected["records"].size());
    expect_record(expected["records"][index++], batch, record);
  });
  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(index, expected["records"].size());
}

TEST(BatchVectors, AreReadWithEveryFieldAndRecord) {
  const std::vector<Json> vectors = test::load_lines("batches.jsonl");

  ASSERT_EQ(vectors.size(), 60u);
  for (const Json& vector : vectors) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const std::vector<std::byte> bytes = test::from_hex(vector["hex"].get<std::string>());
    BatchCursor cursor(bytes);
    for (const Json& expected : vector["batches"]) {
      const Result<std::optional<BatchView>> batch = cursor.next();
      ASSERT_TRUE(batch && *batch);
      expect_batch(expected, **batch);
    }
    const Result<std::optional<BatchView>> end = cursor.next();
    EXPECT_TRUE(end && !*end);
    EXPECT_EQ(cursor.rest().size(), vector["bytesLeft"].get<std::size_t>());
  }
}

/// Everything a batch says, read back and handed to the builder.
BatchFields fields_of(const BatchView& batch) {
  BatchFields fields{.codec = batch.codec(),
                     .base_offset = batch.base_offset(),
                     .leader_epoch = batch.leader_epoch(),
                     .producer_id = batch.producer_id(),
                     .producer_epoch = batch.producer_epoch(),
                     .base_sequence = batch.base_sequence(),
                     .is_transactional = batch.is_transactional(),
                     .is_control = batch.is_control(),
                     .has_delete_horizon = batch.has_delete_horizon(),
                     .log_append_time = {},
                     .last_offset_delta = batch.last_offset_delta(),
                     .max_timestamp = {}};
  if (batch.record_count() == 0) fields.max_timestamp = batch.max_timestamp();
  if (batch.timestamp_type() == TimestampType::log_append_time) fields.log_append_time = batch.max_timestamp();
  return fields;
}

/// The timestamp as the record's delta gives it, which the reader hides under LogAppendTime.
TimestampMs created_at(const BatchView& batch, Bytes& plain) {
  RawRecord raw;
  EXPECT_EQ(parse_record(plain, raw), RecordFault::none);
  return batch.base_timestamp() + raw.timestamp_delta;
}

std::string rebuild(const BatchView& batch, BatchBuilder& builder) {
  builder.clear();
  if (batch.has_delete_horizon()) builder.set_base_timestamp(batch.base_timestamp());
  RecordReader reader;
  Bytes plain = batch.payload();
  const Result<void> read = for_each_record(batch, reader, [&](const RecordView& record) {
    const std::vector<RecordHeader> headers(record.headers.begin(), record.headers.end());
    const TimestampMs timestamp = created_at(batch, plain);
    builder.append_at(static_cast<std::int32_t>(record.offset - batch.base_offset()),
                      {.timestamp = timestamp, .key = record.key, .value = record.value, .headers = headers});
  });
  EXPECT_TRUE(read.has_value());
  return test::to_hex(builder.build(fields_of(batch)));
}

TEST(BatchVectors, AreWrittenByteForByteWhereNothingIsCompressed) {
  const std::vector<Json> vectors = test::load_lines("batches.jsonl");
  BatchBuilder builder;
  int written = 0;

  for (const Json& vector : vectors) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    const std::vector<std::byte> bytes = test::from_hex(vector["hex"].get<std::string>());
    BatchCursor cursor(bytes);
    while (true) {
      const Result<std::optional<BatchView>> batch = cursor.next();
      if (!batch || !*batch) break;
      if ((*batch)->codec() != Codec::none) continue;
      EXPECT_EQ(rebuild(**batch, builder), test::to_hex((*batch)->bytes()));
      ++written;
    }
  }

  EXPECT_EQ(written, 41);
}

}  // namespace
}  // namespace tidelog::proto
