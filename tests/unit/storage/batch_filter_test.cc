#include "storage/compaction/batch_filter.h"

#include "tests/support/plain_batch.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::BatchFilter;
using storage::FilterRules;
using storage::LastBatches;
using storage::OffsetMap;
using storage::TransactionEnds;

constexpr TimestampMs kNow{50'000};
constexpr std::int64_t kRetention = 1000;

PlainRecord value(std::int64_t offset, std::string key, std::string text = "v", std::int64_t time = 1000) {
  return {.offset = {offset}, .timestamp = {time}, .key = std::move(key), .value = std::move(text)};
}
PlainRecord tombstone(std::int64_t offset, std::string key, std::int64_t time = 1000) {
  return {.offset = {offset}, .timestamp = {time}, .key = std::move(key), .value = std::nullopt};
}

PlainBatch batch(std::vector<PlainRecord> records) {
  PlainBatch made{.base = records.front().offset, .last = records.back().offset, .records = std::move(records)};
  for (const PlainRecord& record : made.records) made.max_timestamp = std::max(made.max_timestamp, record.timestamp);
  return made;
}

PlainBatch filler(std::int64_t base, std::int64_t last, std::int64_t time = 1000) {
  return {.base = {base}, .last = {last}, .max_timestamp = {time}};
}

PlainBatch marker(std::int64_t offset, std::int64_t producer, std::int16_t type) {
  std::string key(4, '\0');
  key[3] = static_cast<char>(type);
  PlainBatch made = batch({value(offset, key, std::string(6, '\0'))});
  made.producer = {producer};
  made.producer_epoch = 0;
  made.is_control = made.is_transactional = true;
  return made;
}

class BatchFilterTest : public ::testing::Test {
 protected:
  BatchFilterTest() { map_.reset({0}); }

  /// The map of a log that holds these and nothing behind them.
  void map(const std::vector<PlainBatch>& log) {
    for (const PlainBatch& batch : log) {
      rules_.end = batch.last + 1;
      if (batch.is_control) continue;
      for (const PlainRecord& record : batch.records) {
        if (record.key) EXPECT_TRUE(map_.put(bytes_of(record.key), record.offset));
      }
    }
  }

  std::vector<PlainBatch> filter(const std::vector<PlainBatch>& log) {
    BatchFilter filter(rules_, map_, producers_, ends_);
    proto::ByteBuffer out;
    for (const PlainBatch& batch : log) {
      const std::vector<std::byte> bytes = encode(batch);
      EXPECT_TRUE(filter.take(*proto::BatchView::parse(bytes), out));
    }
    filter.finish(out);
    changed_ = filter.take_changed();
    counts_ = filter.counts();
    earliest_horizon_ = filter.earliest_horizon();
    return decode_all(out.bytes());
  }
  std::vector<PlainBatch> compact(const std::vector<PlainBatch>& log) {
    map(log);
    return filter(log);
  }

  FilterRules rules_{.now = kNow, .delete_retention_ms = kRetention};
  OffsetMap map_{1U << 16, 1000, 0.9, {1, 2}};
  LastBatches producers_;
  TransactionEnds ends_;
  storage::FilterCounts counts_;
  TimestampMs earliest_horizon_{-1};
  bool changed_ = false;
};

TEST_F(BatchFilterTest, KeepsTheNewestRecordOfEachKey) {
  const auto kept = compact({batch({value(0, "a"), value(1, "b", "old", 3000), value(2, "c", "v", 2000)}), batch({value(3, "b", "new")})});

  PlainBatch first = batch({value(0, "a"), value(2, "c", "v", 2000)});
  EXPECT_EQ(first.last, Offset{2});
  EXPECT_EQ(first.max_timestamp, TimestampMs{2000}) << "of the records that are left";
  EXPECT_EQ(kept, (std::vector<PlainBatch>{first, batch({value(3, "b", "new")})}));
  EXPECT_TRUE(changed_);
  EXPECT_EQ(counts_.records, 4U);
  EXPECT_EQ(counts_.kept_records, 3U);
}

TEST_F(BatchFilterTest, KeepsTheLastOffsetOfABatchThatLosesItsLastRecord) {
  const auto kept = compact({batch({value(0, "a"), value(1, "b")}), batch({value(2, "b")})});
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].base, Offset{0});
  EXPECT_EQ(kept[0].last, Offset{1});
  EXPECT_EQ(kept[0].records, std::vector<PlainRecord>{value(0, "a")});
}

TEST_F(BatchFilterTest, SpansWhatGoesWithOneEmptyBatch) {
  const auto kept = compact({batch({value(0, "a", "v", 7000)}), batch({value(1, "b"), value(2, "a")}), batch({value(3, "b")}),
                             batch({value(4, "c")}), batch({value(5, "a"), value(6, "b")})});
  EXPECT_EQ(kept, (std::vector<PlainBatch>{filler(0, 3, 7000), batch({value(4, "c")}), batch({value(5, "a"), value(6, "b")})}));
}

TEST_F(BatchFilterTest, ChangesNothingWhereNothingGoes) {
  const std::vector<PlainBatch> log{filler(0, 3), batch({value(4, "c")}), filler(5, 5)};
  EXPECT_EQ(compact(log), log);
  EXPECT_FALSE(changed_);
}

TEST_F(BatchFilterTest, JoinsFillersOfEarlierCleanings) {
  EXPECT_EQ(compact({filler(0, 3), batch({value(4, "a")}), filler(5, 9, 8000), filler(10, 10), batch({value(11, "a")})}),
            (std::vector<PlainBatch>{filler(0, 10, 8000), batch({value(11, "a")})}));
  EXPECT_TRUE(changed_);
}

TEST_F(BatchFilterTest, LetsNoFillerHideWhereALeaderEpochBegan) {
  PlainBatch second = batch({value(1, "a")});
  second.epoch = {3};
  PlainBatch third = batch({value(2, "a")});
  third.epoch = {3};
  PlainBatch spans_second = filler(1, 1);
  spans_second.epoch = {3};
  EXPECT_EQ(compact({batch({value(0, "a")}), second, third}), (std::vector<PlainBatch>{filler(0, 0), spans_second, third}));
}

TEST_F(BatchFilterTest, DropsRecordsWithoutAKeyAndThoseBelowTheLogStart) {
  PlainRecord keyless = value(1, "");
  keyless.key.reset();
  rules_.log_start = {1};
  const auto kept = compact({batch({value(0, "deleted"), keyless, value(2, "a")})});
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].records, std::vector<PlainRecord>{value(2, "a")});
  EXPECT_EQ(counts_.keyless_records, 1U);
}

TEST_F(BatchFilterTest, KnowsNothingOfRecordsAboveTheMap) {
  map_.put(bytes_of(Text("a")), {0});
  rules_.end = {2};
  PlainRecord keyless = value(4, "");
  keyless.key.reset();
  const std::vector<PlainBatch> log{batch({value(0, "a")}), batch({value(1, "b"), tombstone(2, "a"), value(3, "a"), keyless})};
  EXPECT_EQ(filter(log), log) << "and its tombstones have no horizon yet";
}

TEST_F(BatchFilterTest, PacksACompressedBatchAgain) {
  for (const proto::Codec codec : {proto::Codec::gzip, proto::Codec::snappy, proto::Codec::lz4, proto::Codec::zstd}) {
    map_.reset({0});
    PlainBatch packed = batch({value(0, "a"), value(1, "b"), value(2, "c")});
    packed.codec = codec;
    packed.records[2].headers = {{"h", "x"}, {"n", std::nullopt}, {"e", ""}};
    const auto kept = compact({packed, batch({value(3, "a")})});
    packed.records.erase(packed.records.begin());
    EXPECT_EQ(kept[0], packed);
  }
}

TEST_F(BatchFilterTest, PacksInTheTopicsCodecWhatItLaysOutAnew) {
  rules_.codec = proto::Codec::zstd;
  PlainBatch whole = batch({value(2, "a")});
  whole.codec = proto::Codec::gzip;
  const auto kept = compact({batch({value(0, "a"), value(1, "b")}), whole});
  EXPECT_EQ(kept[0].codec, proto::Codec::zstd);
  EXPECT_EQ(kept[1], whole);
}

TEST_F(BatchFilterTest, LeavesPackedWhatTheTopicWouldHaveUnpacked) {
  rules_.codec = proto::Codec::none;
  PlainBatch packed = batch({value(0, "a"), value(1, "b", std::string(100'000, 'x'))});
  packed.codec = proto::Codec::zstd;
  const auto kept = compact({packed, batch({value(2, "a")})});
  packed.records.erase(packed.records.begin());
  EXPECT_EQ(kept[0], packed) << "or a segment would outgrow its file";
}

TEST_F(BatchFilterTest, KeepsTheTimeOfAppendedRecords) {
  PlainBatch appended = batch({value(0, "a", "v", 9000), value(1, "b", "v", 9000)});
  appended.has_append_time = true;
  const auto kept = compact({appended, batch({value(2, "a")})});
  appended.records.erase(appended.records.begin());
  EXPECT_EQ(kept[0], appended);
}

TEST_F(BatchFilterTest, SetsAHorizonForANewTombstone) {
  const auto kept = compact({batch({value(0, "a"), value(1, "b")}), batch({tombstone(2, "a"), value(3, "c", "v", 2000)})});
  PlainBatch with_horizon = batch({tombstone(2, "a"), value(3, "c", "v", 2000)});
  with_horizon.horizon = kNow + kRetention;
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[1], with_horizon);
  EXPECT_EQ(earliest_horizon_, kNow + kRetention);
}

TEST_F(BatchFilterTest, KeepsATombstoneUntilItsHorizon) {
  PlainBatch waits = batch({tombstone(0, "a"), value(1, "b")});
  waits.horizon = kNow + 1;
  EXPECT_EQ(compact({waits}), std::vector<PlainBatch>{waits});
  EXPECT_FALSE(changed_);
  EXPECT_EQ(earliest_horizon_, kNow + 1);

  map_.reset({0});
  waits.horizon = kNow;
  PlainBatch rest = waits;
  rest.records.erase(rest.records.begin());
  EXPECT_EQ(compact({waits}), std::vector<PlainBatch>{rest}) << "the horizon stays, as Kafka has it";
  EXPECT_EQ(earliest_horizon_, TimestampMs{-1}) << "and nothing waits for it any more";
  EXPECT_EQ(counts_.expired_tombstones, 1U);
}

TEST_F(BatchFilterTest, SetsNoHorizonBeforeAllOfTheBatchIsMapped) {
  const std::vector<PlainBatch> log{batch({tombstone(0, "a"), value(1, "b")})};
  map_.put(bytes_of(Text("a")), {0});
  rules_.end = {1};
  EXPECT_EQ(filter(log), log);
  rules_.dirty_from = {1};
  rules_.end = {2};
  EXPECT_EQ(filter(log)[0].horizon, kNow + kRetention) << "the pass that goes on from there does";
}

TEST_F(BatchFilterTest, NeverExpiresWhatNoCleaningHasSeen) {
  rules_.dirty_from = {2};
  const std::vector<PlainBatch> log{batch({tombstone(0, "a"), value(1, "b")})};
  rules_.end = {2};
  EXPECT_EQ(filter(log), log) << "a checkpoint that says too much costs no record";
}

TEST_F(BatchFilterTest, KeepsTheLastBatchOfAProducerEmptied) {
  PlainBatch old = batch({value(0, "a")});
  PlainBatch last = batch({value(1, "a", "v", 4000), value(2, "a")});
  for (PlainBatch* its : {&old, &last}) {
    its->producer = {77};
    its->producer_epoch = 3;
    its->codec = proto::Codec::zstd;
  }
  old.sequence = 9;
  last.sequence = 10;
  producers_[77] = {.epoch = 3, .last_offset = {2}};
  const auto kept = compact({old, last, batch({value(3, "a")})});

  PlainBatch emptied = last;
  emptied.records.clear();
  emptied.codec = proto::Codec::none;
  EXPECT_EQ(kept, (std::vector<PlainBatch>{filler(0, 0), emptied, batch({value(3, "a")})}));
  EXPECT_EQ(kept[1].max_timestamp, TimestampMs{4000});
  EXPECT_EQ(filter(kept), kept) << "an empty one stays as it is";
  producers_.clear();
  EXPECT_EQ(filter(kept), (std::vector<PlainBatch>{filler(0, 2, 4000), batch({value(3, "a")})})) << "until nobody remembers the producer";
}

TEST_F(BatchFilterTest, DropsAbortedRecordsAndThenTheirMarker) {
  PlainBatch aborted = batch({value(1, "a", "aborted")});
  aborted.producer = {5};
  aborted.producer_epoch = 0;
  aborted.sequence = 0;
  aborted.is_transactional = true;
  PlainBatch committed = aborted;
  committed.base = committed.last = committed.records[0].offset = Offset{3};
  committed.records[0].key = "b";
  const std::vector<PlainBatch> log{batch({value(0, "a")}), aborted, marker(2, 5, 0), committed, marker(4, 5, 1)};
  ends_.note({5}, {2}, storage::TransactionEnd::abort);
  ends_.note({5}, {4}, storage::TransactionEnd::commit);
  map_.put(bytes_of(Text("a")), {0});
  map_.put(bytes_of(Text("b")), {3});
  rules_.end = {5};

  const auto once = filter(log);
  EXPECT_EQ(once, (std::vector<PlainBatch>{log[0], filler(1, 1), log[2], log[3], log[4]})) << "a reader may still stand before it";

  const auto twice = filter(once);
  PlainBatch waits = log[2];
  waits.horizon = kNow + kRetention;
  EXPECT_EQ(twice, (std::vector<PlainBatch>{log[0], filler(1, 1), waits, log[3], log[4]}));
  EXPECT_EQ(earliest_horizon_, kNow + kRetention);

  rules_.now = kNow + kRetention;
  EXPECT_EQ(filter(twice), (std::vector<PlainBatch>{log[0], filler(1, 2), log[3], log[4]}));
}

TEST_F(BatchFilterTest, KeepsWhatIsOpenAndOtherControlBatches) {
  PlainBatch open = batch({value(0, "a")});
  open.producer = {5};
  open.producer_epoch = 0;
  open.is_transactional = true;
  PlainBatch leader_change = marker(1, -1, 2);
  leader_change.is_transactional = false;
  leader_change.producer_epoch = -1;
  const std::vector<PlainBatch> log{open, leader_change};
  map_.put(bytes_of(Text("a")), {7});
  rules_.end = {8};
  EXPECT_EQ(filter(log), log);
}

TEST_F(BatchFilterTest, RefusesWhatItCannotRead) {
  PlainBatch bad = batch({value(0, "a")});
  bad.codec = proto::Codec::gzip;
  std::vector<std::byte> bytes = encode(bad);
  bytes[proto::kBatchHeaderBytes] = std::byte{0};
  BatchFilter filter(rules_, map_, producers_, ends_);
  proto::ByteBuffer out;
  EXPECT_FALSE(filter.take(*proto::BatchView::parse(bytes), out));
}

TEST_F(BatchFilterTest, BelievesNoRecordThatClaimsAPlaceOutsideItsBatch) {
  for (const std::int64_t offset : {3, 6}) {
    PlainBatch bad = batch({value(4, "a"), value(5, "b")});
    bad.records[1].offset = Offset{offset};
    const std::vector<std::byte> bytes = encode(bad);
    BatchFilter filter(rules_, map_, producers_, ends_);
    proto::ByteBuffer out;
    const Result<void> taken = filter.take(*proto::BatchView::parse(bytes), out);
    ASSERT_FALSE(taken) << offset;
    EXPECT_EQ(taken.error(), Errc::corrupt);
  }
}

TEST_F(BatchFilterTest, OpensNoBatchBeyondItsLimit) {
  PlainBatch bomb = batch({value(0, "a", std::string(40U << 20, 'x'))});
  bomb.codec = proto::Codec::zstd;
  const std::vector<std::byte> bytes = encode(bomb);
  BatchFilter filter(rules_, map_, producers_, ends_);
  proto::ByteBuffer out;
  EXPECT_EQ(filter.take(*proto::BatchView::parse(bytes), out).error(), Errc::too_large);
}

TEST_F(BatchFilterTest, OpensNothingThatCouldNotBeLaidOutAgain) {
  const std::vector<std::byte> bytes = encode(batch({value(0, "a")}));
  const proto::BatchView view = *proto::BatchView::parse(bytes);
  EXPECT_EQ(storage::opening_limit(view, 0x7fffffff).max_bytes, std::size_t{1} << 29);
  EXPECT_EQ(storage::opening_limit(view, 0).max_bytes, proto::decompressed_limit(0));
}

TEST_F(BatchFilterTest, RefusesWhatGrowsTooLargeWhenItIsLaidOutAnew) {
  const std::vector<PlainBatch> log{batch({value(0, "a"), value(1, "b", std::string(300, 'v'))}), batch({value(2, "a")})};
  map(log);
  rules_.max_laid_out_bytes = 200;
  const std::vector<std::byte> bytes = encode(log[0]);
  BatchFilter filter(rules_, map_, producers_, ends_);
  proto::ByteBuffer out;
  const Result<void> taken = filter.take(*proto::BatchView::parse(bytes), out);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), Errc::too_large);
}

}  // namespace
}  // namespace tidelog::testing
