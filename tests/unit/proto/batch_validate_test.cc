#include "proto/base/endian.h"
#include "proto/record/builder.h"
#include "proto/record/crc32c.h"
#include "proto/record/validate.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <functional>

namespace tidelog::proto {
namespace {

constexpr TimestampMs kNow{1'700'000'000'000};

ValidationRules rules_now() {
  ValidationRules rules;
  rules.now = kNow;
  return rules;
}

struct Sample {
  std::string_view key = "k";
  TimestampMs timestamp = kNow;
};

std::vector<std::byte> make_batch(const std::vector<Sample>& records, const BatchFields& fields = {}) {
  BatchBuilder builder;
  for (const Sample& record : records) {
    const Bytes key = record.key.empty() ? Bytes{} : test::as_bytes(record.key);
    builder.append({.timestamp = record.timestamp, .key = key, .value = test::as_bytes("value"), .headers = {}});
  }
  const Bytes bytes = builder.build(fields);
  return {bytes.begin(), bytes.end()};
}

template <class T>
std::vector<std::byte> with(std::vector<std::byte> bytes, std::size_t at, T value) {
  store_be(bytes.data() + at, value);
  store_be(bytes.data() + batch_field::kCrc, crc32c(Bytes(bytes).subspan(batch_field::kAttributes)));
  return bytes;
}

BatchError refusal(Bytes records, const ValidationRules& rules) {
  const Result<CheckedBatch, BatchError> checked = validate_produce(records, rules);
  return checked ? BatchError{} : checked.error();
}

ErrorCode code(Bytes records, const ValidationRules& rules) { return refusal(records, rules).code; }

TEST(Validate, AcceptsASoundBatch) {
  const std::vector<std::byte> bytes = make_batch({{}, {}});

  EXPECT_EQ(code(bytes, rules_now()), ErrorCode::none);
  EXPECT_TRUE(validate(*BatchView::parse(bytes), rules_now()).has_value());
}

TEST(Validate, RefusesNoRecordsAtAll) {
  EXPECT_EQ(code({}, rules_now()), ErrorCode::invalid_record);
  EXPECT_EQ(code(test::as_bytes(""), rules_now()), ErrorCode::invalid_record);
}

TEST(Validate, PutsADamagedBatchBeforeEverythingElse) {
  std::vector<std::byte> bytes = make_batch({{}});
  bytes.back() ^= std::byte{1};
  ValidationRules rules = rules_now();
  rules.max_message_bytes = 1;

  EXPECT_EQ(code(bytes, rules), ErrorCode::corrupt_message);
}

TEST(Validate, HoldsTheSizeAsSentToTheLimit) {
  const std::vector<std::byte> bytes = make_batch({{}});
  ValidationRules rules = rules_now();

  rules.max_message_bytes = static_cast<std::int32_t>(bytes.size());
  EXPECT_EQ(code(bytes, rules), ErrorCode::none);
  rules.max_message_bytes -= 1;
  EXPECT_EQ(code(bytes, rules), ErrorCode::message_too_large);
}

TEST(Validate, NamesEveryRecordWithoutAKeyInACompactedTopic) {
  for (const Codec codec : {Codec::none, Codec::zstd}) {
    const std::vector<std::byte> bytes = make_batch({{"a"}, {""}, {"b"}, {""}}, {.codec = codec});
    ValidationRules rules = rules_now();
    EXPECT_EQ(code(bytes, rules), ErrorCode::none);
    rules.is_compacted = true;

    const BatchError error = refusal(bytes, rules);

    EXPECT_EQ(error.code, ErrorCode::invalid_record);
    EXPECT_EQ(error.record_indexes, (std::vector<std::int32_t>{1, 3}));
  }
}

TEST(Validate, NamesAtMostAThousandRecords) {
  const std::vector<std::byte> bytes = make_batch(std::vector<Sample>(3000, Sample{.key = ""}));
  ValidationRules rules = rules_now();
  rules.is_compacted = true;

  EXPECT_EQ(refusal(bytes, rules).record_indexes.size(), kMaxRecordIndexes);
}

TEST(Validate, HoldsTimestampsToTheBoundsInclusively) {
  ValidationRules rules = rules_now();
  rules.timestamp_before_max_ms = 100;
  rules.timestamp_after_max_ms = 10;

  EXPECT_EQ(code(make_batch({{"k", kNow - 100}, {"k", kNow + 10}}), rules), ErrorCode::none);
  const BatchError error = refusal(make_batch({{"k", kNow - 101}, {"k", kNow}, {"k", kNow + 11}}), rules);
  EXPECT_EQ(error.code, ErrorCode::invalid_timestamp);
  EXPECT_EQ(error.record_indexes, (std::vector<std::int32_t>{0, 2}));
}

TEST(Validate, TakesRecordsWithoutATimestamp) {
  ValidationRules rules = rules_now();
  EXPECT_EQ(code(make_batch({{"k", TimestampMs{-1}}, {"k", TimestampMs{-500}}}), rules), ErrorCode::none);

  rules.timestamp_before_max_ms = 100;
  EXPECT_EQ(code(make_batch({{"k", TimestampMs{-1}}}), rules), ErrorCode::none);
}

TEST(Validate, DoesNotLookAtTimestampsUnderLogAppendTime) {
  ValidationRules rules = rules_now();
  rules.timestamp_type = TimestampType::log_append_time;

  EXPECT_EQ(code(make_batch({{"k", kNow + 10'000'000'000}}), rules), ErrorCode::none);
}

TEST(Validate, JudgesACompressedBatchByItsMaxTimestamp) {
  EXPECT_EQ(code(make_batch({{"k", kNow + 3'600'000}}, {.codec = Codec::lz4}), rules_now()), ErrorCode::none);
  EXPECT_EQ(code(make_batch({{"k", kNow + 3'600'001}}, {.codec = Codec::lz4}), rules_now()), ErrorCode::invalid_timestamp);
}

TEST(Validate, ComputesTheMaxTimestampThatTheHeaderShouldHave) {
  const std::vector<std::byte> bytes = make_batch({{"k", kNow - 5}, {"k", kNow - 1}, {"k", kNow - 9}}, {.max_timestamp = kNow});

  const Result<CheckedBatch, BatchError> checked = validate_produce(bytes, rules_now());

  ASSERT_TRUE(checked.has_value());
  EXPECT_TRUE(checked->needs_correction);
  EXPECT_EQ(checked->max_timestamp, kNow - 1);
}

TEST(Validate, CorrectsALogAppendTimeFlagThatAClientSetByTheTimesOfTheRecords) {
  const std::vector<std::byte> bytes = make_batch({{"k", kNow}}, {.log_append_time = kNow - 7});

  const Result<CheckedBatch, BatchError> checked = validate_produce(bytes, rules_now());

  ASSERT_TRUE(checked.has_value());
  EXPECT_TRUE(checked->needs_correction);
  EXPECT_EQ(checked->max_timestamp, kNow);
  EXPECT_EQ(code(make_batch({{"k", kNow + 3'600'001}}, {.log_append_time = kNow}), rules_now()), ErrorCode::invalid_timestamp);
}

TEST(Validate, TakesZstdFromProduceVersion7On) {
  const std::vector<std::byte> bytes = make_batch({{}}, {.codec = Codec::zstd});
  ValidationRules rules = rules_now();

  rules.produce_version = 6;
  EXPECT_EQ(code(bytes, rules), ErrorCode::unsupported_compression_type);
  rules.produce_version = 7;
  EXPECT_EQ(code(bytes, rules), ErrorCode::none);
}

TEST(Validate, TakesControlBatchesOnlyWhereAllowed) {
  const std::vector<std::byte> bytes = make_batch({{}}, {.is_control = true});
  ValidationRules rules = rules_now();

  EXPECT_EQ(code(bytes, rules), ErrorCode::invalid_record);
  rules.allow_control = true;
  EXPECT_EQ(code(bytes, rules), ErrorCode::none);
}

TEST(Validate, WantsATransactionalIdAndAProducerIdForATransactionalBatch) {
  const BatchFields complete{.producer_id = {1}, .producer_epoch = 0, .base_sequence = 0, .is_transactional = true};
  ValidationRules rules = rules_now();

  EXPECT_EQ(code(make_batch({{}}, complete), rules), ErrorCode::transactional_id_authorization_failed);
  rules.has_transactional_id = true;
  EXPECT_EQ(code(make_batch({{}}, complete), rules), ErrorCode::none);
  EXPECT_EQ(code(make_batch({{}}, {.is_transactional = true}), rules), ErrorCode::invalid_record);
}

TEST(Validate, WantsEpochAndSequenceBesideAProducerId) {
  const auto with_producer = [](std::int16_t epoch, std::int32_t sequence) {
    return make_batch({{}}, {.producer_id = {1}, .producer_epoch = epoch, .base_sequence = sequence});
  };

  EXPECT_EQ(code(with_producer(0, 0), rules_now()), ErrorCode::none);
  EXPECT_EQ(code(with_producer(-1, 0), rules_now()), ErrorCode::invalid_record);
  EXPECT_EQ(code(with_producer(0, -1), rules_now()), ErrorCode::invalid_record);
}

TEST(Validate, RefusesHeaderFieldsThatCannotBe) {
  const std::vector<std::byte> sound = make_batch({{}, {}});
  const std::vector<std::byte> cases[] = {
      with(sound, batch_field::kBaseOffset, std::int64_t{1}),      with(sound, batch_field::kLastOffsetDelta, std::int32_t{0}),
      with(sound, batch_field::kLastOffsetDelta, std::int32_t{2}), with(sound, batch_field::kRecordCount, std::int32_t{0}),
      with(sound, batch_field::kRecordCount, std::int32_t{-1}),    with(sound, batch_field::kRecordCount, std::int32_t{1}),
      with(sound, batch_field::kAttributes, std::int16_t{0x0080}), with(sound, batch_field::kAttributes, std::int16_t{-0x8000}),
      with(sound, batch_field::kAttributes, std::int16_t{0x0005}),
  };

  for (const std::vector<std::byte>& bytes : cases) EXPECT_EQ(code(bytes, rules_now()), ErrorCode::invalid_record) << test::to_hex(bytes);
}

TEST(Validate, RefusesACountWithoutItsRecordsEvenIfTheRangeAgrees) {
  std::vector<std::byte> bytes = make_batch({{}, {}});
  bytes = with(bytes, batch_field::kLastOffsetDelta, std::numeric_limits<std::int32_t>::max() - 1);
  bytes = with(bytes, batch_field::kRecordCount, std::numeric_limits<std::int32_t>::max());

  const BatchError error = refusal(bytes, rules_now());

  EXPECT_EQ(error.code, ErrorCode::invalid_record);
  EXPECT_NE(error.message.find("Record 2"), std::string::npos) << error.message;
}

TEST(Validate, StopsABombInACompactedTopic) {
  BatchBuilder builder;
  const std::vector<std::byte> zeroes(4 << 20);
  builder.append({.timestamp = kNow, .key = test::as_bytes("k"), .value = zeroes, .headers = {}});
  const Bytes bytes = builder.build({.codec = Codec::gzip});
  ValidationRules rules = rules_now();
  rules.max_decompressed_bytes = 1 << 20;

  EXPECT_EQ(code(bytes, rules), ErrorCode::none);
  rules.is_compacted = true;
  EXPECT_EQ(code(bytes, rules), ErrorCode::invalid_record);
  rules.max_decompressed_bytes = 5 << 20;
  EXPECT_EQ(code(bytes, rules), ErrorCode::none);
}

TEST(Validate, AcceptsOneBatchWithACutPieceBehindItButNotTwo) {
  const std::vector<std::byte> one = make_batch({{}});
  std::vector<std::byte> two = one;
  two.insert(two.end(), one.begin(), one.end());

  for (std::size_t size = one.size(); size < two.size(); ++size) {
    const Result<CheckedBatch, BatchError> checked = validate_produce(Bytes(two).first(size), rules_now());
    ASSERT_TRUE(checked.has_value()) << size;
    EXPECT_EQ(checked->batch.size_bytes(), one.size());
  }
  EXPECT_EQ(code(two, rules_now()), ErrorCode::invalid_record);
}

}  // namespace
}  // namespace tidelog::proto
