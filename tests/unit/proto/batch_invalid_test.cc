#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "proto/record/validate.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <map>

namespace tidelog::proto {
namespace {

using test::Json;

/// The time at which the live broker was asked.
constexpr TimestampMs kRecordedAt{1795453753981};

/// What one recorded case sent, how Kafka answered and what it then had in its log.
struct Recorded {
  std::string id;
  std::vector<std::byte> sent;
  std::vector<std::byte> stored;
  ErrorCode kafka = ErrorCode::none;
  ValidationRules rules;
};

void take_topic_config(const Json& step, ValidationRules& rules) {
  for (const Json& config : step["request"]["topics"][0]["configs"]) {
    if (config["name"] == "max.decompressed.message.bytes") rules.max_decompressed_bytes = std::stoul(config["value"].get<std::string>());
  }
}

Recorded read_case(const Json& line) {
  Recorded out;
  out.id = line["id"];
  out.rules.now = kRecordedAt;
  for (const Json& step : line["steps"]) {
    if (step["api"] == "CreateTopics") take_topic_config(step, out.rules);
    if (step["role"] != "check") continue;
    if (step["api"] == "Produce") {
      out.sent = test::from_base64(step["request"]["topicData"][0]["partitionData"][0]["records"].get<std::string>());
      out.kafka = static_cast<ErrorCode>(step["response"]["responses"][0]["partitionResponses"][0]["errorCode"].get<int>());
      out.rules.produce_version = step["version"];
    }
    if (step["api"] == "Fetch") {
      out.stored = test::from_base64(step["response"]["responses"][0]["partitions"][0]["records"].get<std::string>());
    }
  }
  return out;
}

std::vector<Recorded> read_cases() {
  std::vector<Recorded> cases;
  for (const Json& line : test::load_lines("batches-invalid.jsonl")) cases.push_back(read_case(line));
  return cases;
}

ErrorCode verdict(const Recorded& recorded) {
  const Result<CheckedBatch, BatchError> checked = validate_produce(recorded.sent, recorded.rules);
  return checked ? ErrorCode::none : checked.error().code;
}

struct Difference {
  ErrorCode ours;
  std::string_view reason;
};
using Differences = std::map<std::string_view, Difference>;

constexpr std::string_view kStumble = "Kafka stores it; a consumer could stumble over it";
constexpr std::string_view kNoReason = "Kafka answers -1, which tells the client nothing; the record is at fault";
constexpr std::string_view kClosed = "the batch is compressed and stays closed unless the topic is compacted or strict (R18)";

/// Where we answer other than Kafka, whatever the rules.
const Differences kAlways = {
    {"batch-attributes-high", {ErrorCode::invalid_record, "bits without a meaning today may get one; Kafka would hand them on"}},
    {"batch-pid-no-epoch", {ErrorCode::invalid_record, "a producer id without an epoch cannot be fenced"}},
    {"batch-delta-gap", {ErrorCode::invalid_record, kStumble}},
    {"batch-delta-twice", {ErrorCode::invalid_record, kStumble}},
    {"batch-delta-backwards", {ErrorCode::invalid_record, kStumble}},
    {"batch-delta-negative", {ErrorCode::invalid_record, kStumble}},
    {"batch-key-length-minus-2", {ErrorCode::invalid_record, kStumble}},
    {"batch-value-length-minus-2", {ErrorCode::invalid_record, kStumble}},
    {"batch-header-name-not-utf8", {ErrorCode::invalid_record, kStumble}},
    {"batch-timestamp-overflow", {ErrorCode::invalid_timestamp, "the sum lies beyond any bound; Kafka wraps it around"}},
    {"batch-varint-overflow", {ErrorCode::invalid_record, kNoReason}},
    {"batch-codec-5", {ErrorCode::invalid_record, kNoReason}},
    {"batch-codec-6", {ErrorCode::invalid_record, kNoReason}},
    {"batch-codec-7", {ErrorCode::invalid_record, kNoReason}},
};

/// Besides, by the default rules.
const Differences kWhenClosed = {
    {"batch-delta-gap-gzip", {ErrorCode::none, kClosed}},
    {"batch-gzip-plain", {ErrorCode::none, kClosed}},
    {"batch-snappy-plain", {ErrorCode::none, kClosed}},
    {"batch-lz4-plain", {ErrorCode::none, kClosed}},
    {"batch-zstd-plain", {ErrorCode::none, kClosed}},
    {"batch-gzip-truncated", {ErrorCode::none, kClosed}},
    {"batch-gzip-bad-trailer", {ErrorCode::none, kClosed}},
    {"batch-gzip-more-records", {ErrorCode::none, kClosed}},
    {"batch-gzip-fewer-records", {ErrorCode::none, kClosed}},
    {"batch-gzip-empty", {ErrorCode::none, kClosed}},
    {"batch-gzip-bomb", {ErrorCode::none, kClosed}},
    {"batch-snappy-claims", {ErrorCode::none, kClosed}},
    {"batch-lz4-bad-header-checksum", {ErrorCode::none, kClosed}},
    {"batch-lz4-block-large", {ErrorCode::none, kClosed}},
    {"batch-zstd-window", {ErrorCode::none, kClosed}},
};

/// Besides, when compressed batches are opened.
const Differences kWhenOpened = {
    {"batch-delta-gap-gzip", {ErrorCode::invalid_record, kNoReason}},
    {"batch-gzip-plain", {ErrorCode::invalid_record, kNoReason}},
    {"batch-snappy-plain", {ErrorCode::invalid_record, kNoReason}},
    {"batch-lz4-plain", {ErrorCode::invalid_record, kNoReason}},
    {"batch-zstd-plain", {ErrorCode::invalid_record, kNoReason}},
    {"batch-gzip-truncated", {ErrorCode::invalid_record, kNoReason}},
    {"batch-gzip-bad-trailer", {ErrorCode::invalid_record, kNoReason}},
    {"batch-snappy-claims", {ErrorCode::invalid_record, kNoReason}},
    {"batch-lz4-bad-header-checksum", {ErrorCode::invalid_record, kNoReason}},
    {"batch-lz4-block-large", {ErrorCode::invalid_record, kNoReason}},
    {"batch-zstd-window", {ErrorCode::invalid_record, kNoReason}},
};

void expect_verdict(const Recorded& recorded, const Differences& besides) {
  const ErrorCode ours = verdict(recorded);
  const Difference* difference = nullptr;
  for (const Differences* table : {&kAlways, &besides}) {
    if (const auto found = table->find(recorded.id); found != table->end()) difference = &found->second;
  }
  if (difference == nullptr) {
    EXPECT_EQ(static_cast<int>(ours), static_cast<int>(recorded.kafka)) << recorded.id;
    return;
  }
  EXPECT_EQ(static_cast<int>(ours), static_cast<int>(difference->ours)) << recorded.id << ": " << difference->reason;
  EXPECT_NE(static_cast<int>(ours), static_cast<int>(recorded.kafka)) << recorded.id << " need not be listed";
}

TEST(BatchInvalid, IsJudgedAsByKafkaOrForAListedReason) {
  const std::vector<Recorded> cases = read_cases();

  ASSERT_EQ(cases.size(), 91u);
  for (const Recorded& recorded : cases) expect_verdict(recorded, kWhenClosed);
}

TEST(BatchInvalid, IsJudgedAsByKafkaOrForAListedReasonWhenCompressedBatchesAreOpened) {
  const std::vector<Recorded> cases = read_cases();

  for (Recorded recorded : cases) {
    recorded.rules.inspect_compressed = true;
    expect_verdict(recorded, kWhenOpened);
  }
}

TEST(BatchInvalid, GetsASentenceThatSaysWhatIsWrong) {
  const std::vector<Recorded> cases = read_cases();

  for (Recorded recorded : cases) {
    recorded.rules.inspect_compressed = true;
    const Result<CheckedBatch, BatchError> checked = validate_produce(recorded.sent, recorded.rules);
    if (!checked) EXPECT_GT(checked.error().message.size(), 20u) << recorded.id;
  }
}

/// What a leader does to a batch it accepts.
std::string store(const Recorded& recorded, const CheckedBatch& checked) {
  std::vector<std::byte> bytes(recorded.sent.begin(), recorded.sent.begin() + static_cast<std::ptrdiff_t>(checked.batch.size_bytes()));
  if (checked.needs_correction) BatchView::set_max_timestamp(bytes, checked.max_timestamp);
  BatchView::stamp(bytes, Offset{0}, LeaderEpoch{0});
  return test::to_hex(bytes);
}

TEST(BatchInvalid, IsStoredAsKafkaStoresItWhereBothAcceptIt) {
  const std::vector<Recorded> cases = read_cases();
  int compared = 0;

  for (const Recorded& recorded : cases) {
    const Result<CheckedBatch, BatchError> checked = validate_produce(recorded.sent, recorded.rules);
    const bool is_recompressed = recorded.id == "batch-recompress" || recorded.id == "batch-uncompress";
    if (!checked || recorded.stored.empty() || is_recompressed) continue;
    EXPECT_EQ(store(recorded, *checked), test::to_hex(recorded.stored)) << recorded.id;
    ++compared;
  }

  EXPECT_EQ(compared, 16);
}

TEST(BatchInvalid, IsReadToItsEndOrRefusedByTheReader) {
  const std::vector<Recorded> cases = read_cases();
  RecordReader reader;

  for (const Recorded& recorded : cases) {
    const Result<BatchView> batch = BatchView::parse(recorded.sent);
    if (!batch) continue;
    std::int64_t seen = 0;
    const Result<void> read = for_each_record(*batch, reader, [&](const RecordView&) { ++seen; });
    if (read) EXPECT_EQ(seen, batch->record_count()) << recorded.id;
    if (recorded.kafka == ErrorCode::none) EXPECT_TRUE(read.has_value()) << recorded.id;
  }
}

}  // namespace
}  // namespace tidelog::proto
