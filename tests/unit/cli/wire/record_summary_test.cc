#include "cli/wire/record_summary.h"

#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

using proto::test::from_hex;
using proto::test::Json;
using proto::test::load_lines;

struct Summarised {
  std::vector<BatchSummary> batches;
  RecordsRest rest;
};

Summarised summarise(Bytes records) {
  Summarised summarised;
  summarised.rest = summarise_records(records, [&](const BatchSummary& one) { summarised.batches.push_back(one); });
  return summarised;
}

TEST(RecordSummary, SaysOfEveryRecordedBatchWhatKafkaSays) {
  const std::vector<Json> lines = load_lines("batches.jsonl");
  ASSERT_FALSE(lines.empty());
  for (const Json& line : lines) {
    const Summarised found = summarise(from_hex(line.at("hex").get<std::string>()));

    ASSERT_EQ(found.batches.size(), line.at("batches").size()) << line.at("id");
    EXPECT_EQ(found.rest.size_bytes, line.value("bytesLeft", 0U)) << line.at("id");
    for (std::size_t i = 0; i < found.batches.size(); ++i) {
      const BatchSummary& batch = found.batches[i];
      const Json& truth = line.at("batches")[i];
      EXPECT_EQ(batch.base_offset, truth.at("baseOffset")) << line.at("id");
      EXPECT_EQ(batch.last_offset, truth.at("lastOffset"));
      EXPECT_EQ(batch.count, truth.at("recordCount"));
      EXPECT_EQ(batch.leader_epoch, truth.at("partitionLeaderEpoch"));
      EXPECT_EQ(batch.producer_id, truth.at("producerId"));
      EXPECT_EQ(batch.producer_epoch, truth.at("producerEpoch"));
      EXPECT_EQ(batch.base_sequence, truth.at("baseSequence"));
      EXPECT_EQ(batch.base_timestamp_ms, truth.at("baseTimestamp"));
      EXPECT_EQ(batch.max_timestamp_ms, truth.at("maxTimestamp"));
      EXPECT_EQ(batch.codec, truth.at("codec").get<std::string>());
      EXPECT_EQ(batch.is_log_append_time, truth.at("timestampType") == "LogAppendTime");
      EXPECT_EQ(batch.is_transactional, truth.at("transactional"));
      EXPECT_EQ(batch.is_control, truth.at("control"));
      EXPECT_TRUE(batch.is_crc_good);
    }
  }
}

TEST(RecordSummary, SeesADamagedBatch) {
  std::vector<std::byte> records = from_hex(load_lines("batches.jsonl").front().at("hex").get<std::string>());
  records.back() ^= std::byte{1};
  const Summarised found = summarise(records);
  ASSERT_EQ(found.batches.size(), 1U);
  EXPECT_FALSE(found.batches[0].is_crc_good);
}

TEST(RecordSummary, TellsWhatIsNoBatch) {
  const std::vector<std::byte> good = from_hex(load_lines("batches.jsonl").front().at("hex").get<std::string>());
  std::vector<std::byte> cut = good;
  cut.insert(cut.end(), good.begin(), good.end() - 1);
  const Summarised short_one = summarise(cut);
  EXPECT_EQ(short_one.batches.size(), 1U);
  EXPECT_EQ(short_one.rest.size_bytes, good.size() - 1);
  EXPECT_EQ(short_one.rest.what, "a batch that is cut");
  std::vector<std::byte> old = good;
  old[16] = std::byte{1};
  EXPECT_EQ(summarise(old).rest.what, "format 1, and only record batches (format 2) are read");
  std::vector<std::byte> negative = good;
  negative[8] = std::byte{0xff};
  EXPECT_EQ(summarise(negative).rest.what, "the length of a batch is impossible");
}

}  // namespace
}  // namespace tidelog::cli
