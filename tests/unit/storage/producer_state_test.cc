#include "storage/log/producer_state.h"

#include "storage/log/producer_snapshot.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::BatchHeader;
using storage::ProducerCheck;
using storage::ProducerStates;
using storage::ProducerVerdict;

constexpr std::int32_t kLastSequence = 2147483647;

BatchHeader batch(std::int32_t sequence, int records, Offset base, std::int16_t epoch = 0) {
  BatchHeader header;
  header.base_offset = base;
  header.last_offset_delta = records - 1;
  header.base_sequence = sequence;
  header.producer_epoch = epoch;
  header.producer_id = {1};
  header.max_timestamp = {base.value * 10};
  return header;
}

BatchHeader from_producer(std::int64_t id, BatchHeader header) {
  header.producer_id = {id};
  return header;
}

ProducerVerdict judge(ProducerStates& states, const BatchHeader& header) {
  const ProducerCheck check = states.check_and_stage(header, header.base_offset);
  states.drop_staged();
  return check.verdict;
}

TEST(ProducerStates, TakeAnySequenceFromAnUnknownProducer) {
  ProducerStates states(10);

  EXPECT_EQ(judge(states, batch(17, 1, {0})), ProducerVerdict::fresh);
  EXPECT_EQ(states.size(), 0U);
}

TEST(ProducerStates, WantTheNextSequence) {
  ProducerStates states(10);
  states.apply(batch(0, 3, {0}));

  EXPECT_EQ(judge(states, batch(3, 1, {3})), ProducerVerdict::fresh);
  EXPECT_EQ(judge(states, batch(4, 1, {3})), ProducerVerdict::out_of_order);
  EXPECT_EQ(judge(states, batch(2, 1, {3})), ProducerVerdict::out_of_order);
}

TEST(ProducerStates, FindADuplicateAmongTheLastFiveOnly) {
  ProducerStates states(10);
  for (int i = 0; i < 6; ++i) states.apply(batch(2 * i, 2, {2 * i}));

  const ProducerCheck found = states.check_and_stage(batch(2, 2, {99}), {12});

  EXPECT_EQ(found.verdict, ProducerVerdict::duplicate);
  EXPECT_EQ(found.base_offset, Offset{2});
  EXPECT_EQ(found.last_offset, Offset{3});
  EXPECT_EQ(found.timestamp, TimestampMs{20});
  EXPECT_EQ(judge(states, batch(0, 2, {12})), ProducerVerdict::out_of_order);
  EXPECT_EQ(judge(states, batch(2, 1, {12})), ProducerVerdict::out_of_order);
}

TEST(ProducerStates, WrapSequencesFromTheHighestToZero) {
  ProducerStates states(10);
  states.apply(batch(kLastSequence - 1, 2, {0}));
  const ProducerVerdict behind_the_end = judge(states, batch(0, 1, {2}));

  states.apply(batch(0, 1, {2}));
  states.apply(batch(1, 3, {3}));

  EXPECT_EQ(behind_the_end, ProducerVerdict::fresh);
  EXPECT_EQ(judge(states, batch(kLastSequence - 1, 2, {9})), ProducerVerdict::duplicate);
  EXPECT_EQ(judge(states, batch(4, 1, {6})), ProducerVerdict::fresh);
}

TEST(ProducerStates, WrapSequencesInsideABatch) {
  ProducerStates states(10);
  states.apply(batch(kLastSequence - 1, 4, {0}));

  EXPECT_EQ(judge(states, batch(kLastSequence - 1, 4, {9})), ProducerVerdict::duplicate);
  EXPECT_EQ(judge(states, batch(2, 1, {4})), ProducerVerdict::fresh);
  EXPECT_EQ(states.entries().at(0).batch.last_sequence, 1);
}

TEST(ProducerStates, FenceOldEpochsAndBeginNewOnesAtZero) {
  ProducerStates states(10);
  states.apply(batch(0, 1, {0}, 3));

  EXPECT_EQ(judge(states, batch(1, 1, {1}, 2)), ProducerVerdict::invalid_epoch);
  EXPECT_EQ(judge(states, batch(1, 1, {1}, 4)), ProducerVerdict::out_of_order);
  EXPECT_EQ(judge(states, batch(0, 1, {1}, 4)), ProducerVerdict::fresh);
}

TEST(ProducerStates, ForgetTheWindowOfAnOldEpoch) {
  ProducerStates states(10);
  states.apply(batch(0, 1, {0}, 3));
  states.apply(batch(0, 1, {1}, 4));

  const ProducerCheck check = states.check_and_stage(batch(0, 1, {2}, 4), {2});

  EXPECT_EQ(check.verdict, ProducerVerdict::duplicate);
  EXPECT_EQ(check.base_offset, Offset{1});
}

TEST(ProducerStates, CheckAPassAgainstItself) {
  ProducerStates states(10);

  const ProducerVerdict first = states.check_and_stage(batch(0, 2, {0}), {0}).verdict;
  const ProducerVerdict second = states.check_and_stage(batch(2, 2, {0}), {2}).verdict;
  const ProducerCheck again = states.check_and_stage(batch(0, 2, {0}), {4});
  const ProducerVerdict gap = states.check_and_stage(batch(9, 1, {0}), {4}).verdict;

  EXPECT_EQ(first, ProducerVerdict::fresh);
  EXPECT_EQ(second, ProducerVerdict::fresh);
  EXPECT_EQ(again.verdict, ProducerVerdict::duplicate);
  EXPECT_EQ(again.base_offset, Offset{0});
  EXPECT_EQ(gap, ProducerVerdict::out_of_order);
}

TEST(ProducerStates, CountStagedBatchesInTheWindowOfFive) {
  ProducerStates states(10);
  for (int i = 0; i < 5; ++i) states.apply(batch(i, 1, {i}));
  for (int i = 5; i < 8; ++i) states.check_and_stage(batch(i, 1, {i}), {i});

  const ProducerVerdict fourth = states.check_and_stage(batch(3, 1, {8}), {8}).verdict;
  const ProducerVerdict sixth = states.check_and_stage(batch(2, 1, {8}), {8}).verdict;

  EXPECT_EQ(fourth, ProducerVerdict::duplicate);
  EXPECT_EQ(sixth, ProducerVerdict::out_of_order);
}

TEST(ProducerStates, KeepNothingOfAPassThatWasDropped) {
  ProducerStates states(10);
  states.apply(batch(0, 1, {0}));
  states.check_and_stage(batch(1, 1, {1}), {1});
  states.check_and_stage(from_producer(2, batch(0, 1, {2})), {2});

  states.drop_staged();

  EXPECT_EQ(states.size(), 1U);
  EXPECT_EQ(judge(states, batch(1, 1, {1})), ProducerVerdict::fresh);
}

TEST(ProducerStates, LetNoBatchOvertakeTheFirstOneThatCouldNotBeWritten) {
  ProducerStates states(10);
  states.check_and_stage(batch(0, 2, {0}), {0});
  states.check_and_stage(batch(2, 1, {2}), {2});

  states.refuse_staged();

  EXPECT_EQ(judge(states, batch(2, 1, {0})), ProducerVerdict::out_of_order);  // It was sent before its producer heard of the failure.
  EXPECT_EQ(judge(states, batch(3, 1, {0})), ProducerVerdict::out_of_order);
  EXPECT_EQ(judge(states, batch(0, 2, {0})), ProducerVerdict::fresh);
  EXPECT_EQ(judge(states, batch(0, 1, {0}, 1)), ProducerVerdict::fresh);  // It gave up and began a new epoch.
  EXPECT_TRUE(states.entries().empty());
}

TEST(ProducerStates, GoOnAfterAFailedFirstBatchWasWritten) {
  ProducerStates states(10);
  states.check_and_stage(batch(5, 1, {0}), {0});
  states.refuse_staged();

  states.check_and_stage(batch(5, 1, {0}), {0});
  states.apply(batch(5, 1, {0}));
  states.drop_staged();

  EXPECT_EQ(judge(states, batch(6, 1, {1})), ProducerVerdict::fresh);
  EXPECT_EQ(judge(states, batch(5, 1, {1})), ProducerVerdict::duplicate);
}

TEST(ProducerStates, TakeEpochsFromMarkers) {
  ProducerStates states(10);
  states.apply(batch(0, 1, {0}, 3));
  BatchHeader marker = batch(-1, 1, {1}, 4);
  marker.attributes = proto::kControlBit | proto::kTransactionalBit;

  states.apply(marker);

  EXPECT_EQ(judge(states, batch(1, 1, {2}, 3)), ProducerVerdict::invalid_epoch);
  EXPECT_EQ(judge(states, batch(0, 1, {2}, 4)), ProducerVerdict::fresh);
}

TEST(ProducerStates, DropTheLeastRecentlyUsedAboveTheBound) {
  ProducerStates states(3);
  for (std::int64_t id = 1; id <= 3; ++id) states.apply(from_producer(id, batch(0, 1, {id})));
  states.apply(from_producer(1, batch(1, 1, {4})));

  states.apply(from_producer(4, batch(0, 1, {5})));

  EXPECT_EQ(states.size(), 3U);
  EXPECT_EQ(judge(states, from_producer(2, batch(7, 1, {6}))), ProducerVerdict::fresh);         // forgotten
  EXPECT_EQ(judge(states, from_producer(1, batch(7, 1, {6}))), ProducerVerdict::out_of_order);  // known
}

TEST(ProducerStates, ExpireByTimeOfUseNotOfRecords) {
  ProducerStates states(10);
  states.apply(from_producer(1, batch(0, 1, {0})));  // with a record from 1970
  states.expire({1'000'000}, 500);
  const std::size_t after_first_sight = states.size();
  states.apply(from_producer(2, batch(0, 1, {1})));
  states.expire({1'000'400}, 500);
  states.apply(from_producer(2, batch(1, 1, {2})));

  states.expire({1'000'500}, 500);

  EXPECT_EQ(after_first_sight, 1U);
  EXPECT_EQ(states.size(), 1U);
  EXPECT_EQ(states.entries().at(0).id, ProducerId{2});
}

TEST(ProducerSnapshot, GivesBackWhatWasWritten) {
  ProducerStates states(10);
  for (int i = 0; i < 7; ++i) states.apply(from_producer(5, batch(3 * i, 3, {3 * i}, 2)));
  states.apply(from_producer(6, batch(0, 1, {21})));

  const std::string bytes = storage::encode_producer_snapshot(states.entries());
  const auto entries = storage::decode_producer_snapshot(std::as_bytes(std::span(bytes)));
  ProducerStates loaded(10);
  for (const storage::ProducerEntry& entry : *entries) loaded.load(entry);

  EXPECT_EQ(entries->size(), 6U);
  EXPECT_EQ(judge(loaded, from_producer(5, batch(18, 3, {22}, 2))), ProducerVerdict::duplicate);
  EXPECT_EQ(judge(loaded, from_producer(5, batch(6, 3, {22}, 2))), ProducerVerdict::duplicate);
  EXPECT_EQ(judge(loaded, from_producer(5, batch(3, 3, {22}, 2))), ProducerVerdict::out_of_order);
  EXPECT_EQ(judge(loaded, from_producer(5, batch(21, 1, {22}, 2))), ProducerVerdict::fresh);
}

TEST(ProducerSnapshot, IsKafkasVersion1) {
  const std::vector<storage::ProducerEntry> entries{
      {.id = {1}, .epoch = 2, .batch = {.last_sequence = 3, .offset_delta = 4, .last_offset = {5}, .timestamp = {6}}}};

  const std::string bytes = storage::encode_producer_snapshot(entries);

  const std::string body(
      "\0\0\0\1"
      "\0\0\0\0\0\0\0\1\0\2\0\0\0\3\0\0\0\0\0\0\0\5\0\0\0\4\0\0\0\0\0\0\0\6"
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
      50);
  EXPECT_EQ(bytes.substr(0, 2), std::string("\0\1", 2));
  EXPECT_EQ(bytes.substr(6), body);
}

// -1 is a producer of whom no batch is known; what lies below could not even be counted back to its first record.
TEST(ProducerSnapshot, RefusesOffsetsThatNoLogHas) {
  const auto decodes = [](std::int64_t last_offset) {
    const std::vector<storage::ProducerEntry> entries{
        {.id = {1}, .epoch = 2, .batch = {.last_sequence = 3, .offset_delta = 4, .last_offset = {last_offset}, .timestamp = {6}}}};
    const std::string bytes = storage::encode_producer_snapshot(entries);
    return storage::decode_producer_snapshot(std::as_bytes(std::span(bytes))).has_value();
  };

  EXPECT_TRUE(decodes(-1));
  EXPECT_FALSE(decodes(-2));
  EXPECT_FALSE(decodes(std::numeric_limits<std::int64_t>::min()));
}

TEST(ProducerSnapshot, RefusesEveryFlippedBitAndEveryCut) {
  ProducerStates states(10);
  states.apply(batch(0, 1, {0}));
  const std::string good = storage::encode_producer_snapshot(states.entries());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_FALSE(storage::decode_producer_snapshot(std::as_bytes(std::span(bad)))) << i;
    EXPECT_FALSE(storage::decode_producer_snapshot(std::as_bytes(std::span(good).first(i)))) << i;
  }
}

/// Seven batches of one producer, restarted in the way the caller wants; then the window has to be what it was.
void expect_window(LogFixture& fixture) {
  auto verdict = [&](std::int32_t sequence) {
    return judge(fixture.log().producers(),
                 *storage::parse_batch_header(make_batch({7}, {.producer = {3}, .producer_epoch = 0, .sequence = sequence})));
  };
  EXPECT_EQ(verdict(7), ProducerVerdict::fresh);
  for (const int sequence : {2, 3, 4, 5, 6}) EXPECT_EQ(verdict(sequence), ProducerVerdict::duplicate) << sequence;
  EXPECT_EQ(verdict(1), ProducerVerdict::out_of_order);
}

void append_seven(LogFixture& fixture) {
  for (int i = 0; i < 7; ++i) ASSERT_NE(fixture.append(BatchSpec{.producer = {3}, .producer_epoch = 0, .sequence = i}), Offset{-1});
}

TEST(ProducerWindow, SurvivesACleanRestart) {
  LogFixture fixture;
  append_seven(fixture);

  fixture.restart();

  expect_window(fixture);
}

TEST(ProducerWindow, SurvivesAKill) {
  LogFixture fixture(small_segments(300));
  append_seven(fixture);

  fixture.reopen(storage::RecoveryPoint{});

  expect_window(fixture);
}

TEST(ProducerWindow, SurvivesGarbageInEverySnapshot) {
  LogFixture fixture(small_segments(300));
  append_seven(fixture);
  ASSERT_TRUE(fixture.sync());
  fixture.log().close();
  const storage::RecoveryPoint point = fixture.log().recovery_state();
  std::size_t garbled = 0;
  for (const std::string& name : fixture.disk().names(kLogDirectory)) {
    if (!name.ends_with(".snapshot")) continue;
    fixture.disk().set_contents(LogFixture::path(name), BatchBytes(20 + garbled, std::byte{0x5a}));
    ++garbled;
  }

  fixture.reopen(point);

  EXPECT_GT(garbled, 1U);
  expect_window(fixture);
}

TEST(ProducerWindow, NeedsNoReplayAfterACleanStop) {
  LogFixture fixture;
  append_seven(fixture);
  for (int i = 0; i < 300; ++i) fixture.append();
  fixture.restart();
  const std::size_t calls = fixture.faults().calls();

  expect_window(fixture);

  EXPECT_LT(fixture.faults().calls() - calls, 30U);
}

TEST(ProducerWindow, KeepsFewSnapshots) {
  LogFixture fixture(small_segments(300));
  for (int i = 0; i < 60; ++i) fixture.append(BatchSpec{.producer = {3}, .producer_epoch = 0, .sequence = i});

  const auto names = fixture.disk().names(kLogDirectory);

  EXPECT_LE(std::ranges::count_if(names, [](const std::string& name) { return name.ends_with(".snapshot"); }), 5);
}

}  // namespace
}  // namespace tidelog::testing
