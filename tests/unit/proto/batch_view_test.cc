#include "proto/record/batch_cursor.h"
#include "proto/record/builder.h"
#include "proto/record/crc32c.h"
#include "proto/record/reader.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <optional>

namespace tidelog::proto {
namespace {

constexpr std::int32_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();

std::vector<std::byte> make_batch(int records, const BatchFields& fields = {}) {
  BatchBuilder builder;
  for (int i = 0; i < records; ++i)
    builder.append({.timestamp = {1000 + i}, .key = test::as_bytes("key"), .value = test::as_bytes("value"), .headers = {}});
  const Bytes bytes = builder.build(fields);
  return {bytes.begin(), bytes.end()};
}

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t at, T value) {
  store_be(bytes.data() + at, value);
}

Errc parse_error(Bytes bytes) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  EXPECT_FALSE(batch.has_value());
  return batch ? Errc::invalid : batch.error();
}

TEST(BatchParse, RefusesEveryPrefixOfABatch) {
  const std::vector<std::byte> bytes = make_batch(2);

  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_EQ(parse_error(Bytes(bytes).first(size)), Errc::corrupt) << size;
  EXPECT_TRUE(BatchView::parse(bytes).has_value());
}

TEST(BatchParse, RefusesLengthsThatCannotBe) {
  std::vector<std::byte> bytes = make_batch(1);

  for (const std::int32_t length : {0, -1, 48, kMaxInt32, std::numeric_limits<std::int32_t>::min()}) {
    put(bytes, batch_field::kBatchLength, length);
    EXPECT_EQ(parse_error(bytes), Errc::corrupt) << length;
  }
}

TEST(BatchParse, CallsAnotherMagicUnsupported) {
  std::vector<std::byte> bytes = make_batch(1);

  for (const int magic : {0, 1, 3, -1}) {
    put(bytes, batch_field::kMagic, static_cast<std::int8_t>(magic));
    EXPECT_EQ(parse_error(bytes), Errc::unsupported) << magic;
  }
}

TEST(BatchParse, CoversOneBatchAndNotWhatFollows) {
  std::vector<std::byte> bytes = make_batch(1);
  const std::size_t size = bytes.size();
  bytes.resize(size + 100);

  const Result<BatchView> batch = BatchView::parse(bytes);

  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->size_bytes(), size);
  EXPECT_TRUE(batch->crc_ok());
}

TEST(BatchView, DoesNotTrustOffsetsThatCannotBe) {
  struct Case {
    std::int64_t base;
    std::int32_t last_delta;
    std::int32_t count;
    bool is_consistent;
  };
  constexpr Case kCases[] = {{0, 1, 2, true},
                             {-1, 1, 2, false},
                             {0, -1, 2, false},
                             {0, 1, -1, false},
                             {0, 1, 3, false},
                             {0, 5, 2, true},
                             {kMaxInt64 - 2, 1, 2, true},
                             {kMaxInt64 - 1, 1, 2, false},
                             {0, kMaxInt32, kMaxInt32, true}};

  for (const Case& one : kCases) {
    std::vector<std::byte> bytes = make_batch(2);
    put(bytes, batch_field::kBaseOffset, one.base);
    put(bytes, batch_field::kLastOffsetDelta, one.last_delta);
    put(bytes, batch_field::kRecordCount, one.count);
    EXPECT_EQ(BatchView::parse(bytes)->is_consistent(), one.is_consistent) << one.base << " " << one.last_delta << " " << one.count;
  }
}

TEST(BatchStamp, SetsOffsetAndEpochAndKeepsTheCrc) {
  std::vector<std::byte> bytes = make_batch(3);

  BatchView::stamp(bytes, Offset{1234567890123}, LeaderEpoch{42});

  const Result<BatchView> batch = BatchView::parse(bytes);
  EXPECT_EQ(batch->base_offset().value, 1234567890123);
  EXPECT_EQ(batch->next_offset().value, 1234567890126);
  EXPECT_EQ(batch->leader_epoch().value, 42);
  EXPECT_TRUE(batch->crc_ok());
}

TEST(BatchStamp, GivesEveryRecordTheAppendTime) {
  for (const Codec codec : {Codec::none, Codec::lz4}) {
    std::vector<std::byte> bytes = make_batch(3, {.codec = codec});

    BatchView::restamp_log_append_time(bytes, TimestampMs{5000});

    const Result<BatchView> batch = BatchView::parse(bytes);
    EXPECT_TRUE(batch->crc_ok());
    EXPECT_EQ(batch->timestamp_type(), TimestampType::log_append_time);
    EXPECT_EQ(batch->max_timestamp().value, 5000);
    EXPECT_EQ(batch->codec(), codec);
    RecordReader reader;
    int seen = 0;
    const Result<void> read = for_each_record(*batch, reader, [&](const RecordView& record) {
      EXPECT_EQ(record.timestamp.value, 5000);
      ++seen;
    });
    EXPECT_TRUE(read.has_value());
    EXPECT_EQ(seen, 3);
  }
}

TEST(BatchStamp, MakesTheSameBytesAsKafkaUnderLogAppendTime) {
  for (const test::Json& vector : test::load_lines("batches.jsonl")) {
    if (vector["id"] != "append-time") continue;
    const std::vector<std::byte> expected = test::from_hex(vector["hex"].get<std::string>());
    const TimestampMs time = BatchView::parse(expected)->max_timestamp();
    std::vector<std::byte> bytes = expected;

    BatchView::set_max_timestamp(bytes, TimestampMs{1});
    EXPECT_EQ(BatchView::parse(bytes)->timestamp_type(), TimestampType::create_time);
    EXPECT_TRUE(BatchView::parse(bytes)->crc_ok());
    BatchView::restamp_log_append_time(bytes, time);

    EXPECT_EQ(test::to_hex(bytes), test::to_hex(expected));
    return;
  }
  FAIL() << "the vector is missing";
}

TEST(BatchCursor, StopsBeforeABatchThatIsCutAnywhere) {
  std::vector<std::byte> bytes = make_batch(1);
  const std::size_t first = bytes.size();
  const std::vector<std::byte> second = make_batch(2);
  bytes.insert(bytes.end(), second.begin(), second.end());

  for (std::size_t size = first; size < bytes.size(); ++size) {
    BatchCursor cursor(Bytes(bytes).first(size));
    const Result<std::optional<BatchView>> one = cursor.next();
    ASSERT_TRUE(one && *one);
    const Result<std::optional<BatchView>> end = cursor.next();
    EXPECT_TRUE(end && !*end) << size;
    EXPECT_EQ(cursor.rest().size(), size - first);
  }
}

TEST(BatchCursor, TellsDamageFromACut) {
  std::vector<std::byte> bytes = make_batch(1);
  put(bytes, batch_field::kBatchLength, std::int32_t{20});
  BatchCursor short_length(bytes);
  std::vector<std::byte> zeroes(100);
  BatchCursor nothing(zeroes);

  const Result<std::optional<BatchView>> corrupt = short_length.next();
  const Result<std::optional<BatchView>> old_format = nothing.next();

  EXPECT_TRUE(!corrupt && corrupt.error() == Errc::corrupt);
  EXPECT_TRUE(!old_format && old_format.error() == Errc::unsupported);
}

TEST(RecordReader, CallsABatchOfFewerOrMoreRecordsThanItCountsCorrupt) {
  for (const std::int32_t count : {-1, 0, 1, 3, kMaxInt32}) {
    std::vector<std::byte> bytes = make_batch(2);
    put(bytes, batch_field::kRecordCount, count);
    RecordReader reader;
    const Result<void> read = for_each_record(*BatchView::parse(bytes), reader, [](const RecordView&) {});
    EXPECT_EQ(read.has_value(), false) << count;
    if (!read) EXPECT_EQ(read.error(), Errc::corrupt) << count;
  }
}

TEST(RecordReader, HoldsDecompressedBytesToTheLimit) {
  BatchBuilder builder;
  const std::vector<std::byte> zeroes(1 << 20);
  builder.append({.timestamp = {1}, .key = {}, .value = zeroes, .headers = {}});
  const Result<BatchView> batch = BatchView::parse(builder.build({.codec = Codec::zstd}));
  RecordReader reader;

  const Result<void> opened = reader.open(*batch, {.max_bytes = 1 << 16});

  EXPECT_TRUE(!opened && opened.error() == Errc::too_large);
  RecordView record;
  const Result<bool> more = reader.next(record);
  EXPECT_TRUE(more && !*more);
}

/// Nothing if they cannot all be read.
std::optional<int> count_records(const BatchView& batch, RecordReader& reader) {
  int seen = 0;
  if (!for_each_record(batch, reader, [&](const RecordView&) { ++seen; })) return std::nullopt;
  return seen;
}

TEST(RecordReader, SurvivesEveryFlippedBit) {
  for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    std::vector<std::byte> bytes = make_batch(3, {.codec = codec});
    RecordReader reader;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      const Result<BatchView> batch = BatchView::parse(bytes);
      const std::optional<int> seen = batch ? count_records(*batch, reader) : std::nullopt;
      if (seen) EXPECT_EQ(*seen, batch->record_count());
      if (batch && bit / 8 >= batch_field::kCrc) EXPECT_FALSE(batch->crc_ok()) << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    }
  }
}

}  // namespace
}  // namespace tidelog::proto
