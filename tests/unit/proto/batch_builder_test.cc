#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "proto/record/validate.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::proto {
namespace {

NewRecord simple(std::string_view value, std::int64_t timestamp = 1000) {
  return {.timestamp = {timestamp}, .key = {}, .value = test::as_bytes(value), .headers = {}};
}

TEST(BatchBuilder, MakesBatchesThatALeaderAccepts) {
  for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    BatchBuilder builder;
    for (int i = 0; i < 1000; ++i) builder.append(simple(std::to_string(i), 1000 + i % 7));
    const Result<CheckedBatch, BatchError> checked = validate_produce(
        builder.build({.codec = codec}), {.is_compacted = false, .inspect_compressed = true, .now = {2000}, .timestamp_after_max_ms = 0});

    ASSERT_TRUE(checked.has_value()) << name(codec) << ": " << checked.error().message;
    EXPECT_EQ(checked->batch.record_count(), 1000);
    EXPECT_EQ(checked->max_timestamp.value, 1006);
    EXPECT_FALSE(checked->needs_correction);
  }
}

TEST(BatchBuilder, CarriesProducerAndFlags) {
  BatchBuilder builder;
  builder.append(simple("a"));
  builder.append(simple("b"));

  const Result<BatchView> batch = BatchView::parse(builder.build({.base_offset = {7},
                                                                  .leader_epoch = {3},
                                                                  .producer_id = {4000},
                                                                  .producer_epoch = 5,
                                                                  .base_sequence = 2147483647,
                                                                  .is_transactional = true,
                                                                  .is_control = true}));

  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->base_offset().value, 7);
  EXPECT_EQ(batch->leader_epoch().value, 3);
  EXPECT_EQ(batch->producer_id().value, 4000);
  EXPECT_EQ(batch->producer_epoch(), 5);
  EXPECT_EQ(batch->last_sequence(), 0);
  EXPECT_TRUE(batch->is_transactional());
  EXPECT_TRUE(batch->is_control());
  EXPECT_TRUE(batch->crc_ok());
}

TEST(BatchBuilder, KnowsItsSizeBeforehand) {
  BatchBuilder builder;
  const RecordHeader headers[] = {{"name", test::as_bytes("value")}, {"", {}}};

  for (const std::size_t size : {0ul, 1ul, 62ul, 63ul, 64ul, 8190ul, 8192ul, 100000ul}) {
    const std::string value(size, 'x');
    const NewRecord record{.timestamp = {static_cast<std::int64_t>(size) * 100},
                           .key = test::as_bytes("k"),
                           .value = test::as_bytes(value),
                           .headers = headers};
    const std::size_t announced = builder.size_with(record);
    builder.append(record);
    EXPECT_EQ(builder.size_bytes(), announced) << size;
  }
  EXPECT_EQ(builder.build({}).size(), builder.size_bytes());
}

TEST(BatchBuilder, IsReusedWithoutNewMemory) {
  BatchBuilder builder;
  const std::string value(10000, 'x');
  builder.append(simple(value));
  const std::byte* const plain = builder.build({}).data();
  const std::byte* const compressed = builder.build({.codec = Codec::gzip}).data();

  builder.clear();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  builder.append(simple("other"));

  EXPECT_EQ(builder.build({}).data(), plain);
  EXPECT_EQ(builder.build({.codec = Codec::gzip}).data(), compressed);
  EXPECT_EQ(BatchView::parse(builder.build({}))->record_count(), 1);
}

TEST(BatchBuilder, CanBuildTheSameRecordsTwice) {
  BatchBuilder builder;
  builder.append(simple("a"));
  const std::string first = test::to_hex(builder.build({.base_offset = {1}}));
  const std::string other = test::to_hex(builder.build({.codec = Codec::lz4}));

  EXPECT_NE(other, first);
  EXPECT_EQ(test::to_hex(builder.build({.base_offset = {1}})), first);
}

TEST(BatchBuilder, TellsNullFromEmpty) {
  BatchBuilder builder;
  builder.append({.timestamp = {1}, .key = {}, .value = test::as_bytes(""), .headers = {}});
  builder.append({.timestamp = {1}, .key = test::as_bytes(""), .value = {}, .headers = {}});
  RecordReader reader;
  std::vector<bool> nulls;

  const Result<void> read = for_each_record(*BatchView::parse(builder.build({})), reader, [&](const RecordView& record) {
    nulls.push_back(record.key.data() == nullptr);
    nulls.push_back(record.value.data() == nullptr);
  });

  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(nulls, (std::vector<bool>{true, false, false, true}));
}

TEST(BatchBuilder, KeepsTimestampsAtTheEndsOfTheirRange) {
  BatchBuilder builder;
  const std::vector<std::int64_t> times{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(), -1, 0};
  for (const std::int64_t time : times) builder.append(simple("v", time));
  RecordReader reader;
  std::vector<std::int64_t> seen;

  const Result<void> read = for_each_record(*BatchView::parse(builder.build({})), reader,
                                            [&](const RecordView& record) { seen.push_back(record.timestamp.value); });

  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(seen, times);
}

}  // namespace
}  // namespace tidelog::proto
