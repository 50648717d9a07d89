// Every file beside the segments may be gone, empty, cut, old or full of noise: the log answers as before.
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace tidelog::testing {
namespace {

using storage::RecoveryPoint;

/// Everything that a log can be asked.
struct Answers {
  LogReading reading;
  std::vector<std::pair<Offset, TimestampMs>> by_time;
  std::vector<storage::EpochEnd> epoch_ends;
  std::vector<std::tuple<std::int64_t, std::int16_t, std::int32_t, std::int64_t>> producers;
  bool operator==(const Answers&) const = default;
};

class Kept {
 public:
  Kept() {
    for (int i = 0; i < 40; ++i) {
      append(i);
      if (i != 20) continue;
      EXPECT_TRUE(fixture_.sync());
      EXPECT_TRUE(fixture_.log().checkpoint());
      old_ = files();
    }
    EXPECT_TRUE(fixture_.sync());
    fixture_.log().close();
    point_ = fixture_.log().recovery_state();
    new_ = files();
    fixture_.reopen(point_);
    expected_ = ask();
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] const std::map<std::string, BatchBytes>& newest() const { return new_; }
  /// What an earlier checkpoint wrote under the name, or what the newest did.
  [[nodiscard]] const BatchBytes& older(const std::string& name) const { return old_.contains(name) ? old_.at(name) : new_.at(name); }

  void restore() {
    fixture_.drop();
    for (const auto& [name, bytes] : new_) fixture_.disk().set_contents(LogFixture::path(name), bytes);
  }

  void expect_unchanged(const std::string& what) {
    for (const bool full_check : {false, true}) {
      fixture_.reopen(point_, full_check);
      ASSERT_FALSE(fixture_.log().is_offline()) << what << ": " << fixture_.log().offline_reason();
      ASSERT_EQ(ask(), expected_) << what;
      ASSERT_TRUE(fixture_.log().damage().empty()) << what;
    }
    ASSERT_EQ(fixture_.append(BatchSpec{.epoch = {3}}), expected_.reading.end + 1) << what;
  }

 private:
  void append(int number) {
    fixture_.append(BatchSpec{.records = 1 + number % 3,
                              .epoch = {number / 13},
                              .timestamps = {1000 + number * 7 % 90},
                              .producer = {number % 4},
                              .producer_epoch = 0,
                              .sequence = sequences_[static_cast<std::size_t>(number % 4)]});
    sequences_[static_cast<std::size_t>(number % 4)] += 1 + number % 3;
  }

  std::map<std::string, BatchBytes> files() {
    std::map<std::string, BatchBytes> found;
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) found[name] = fixture_.disk().contents(LogFixture::path(name));
    return found;
  }

  Answers ask() {
    storage::Log& log = fixture_.log();
    Answers answers{.reading = read_as_client(log), .by_time = {}, .epoch_ends = {}, .producers = {}};
    for (std::int64_t time = 995; time < 1100; time += 3) {
      const auto found = log.offset_for_timestamp({time}, log.end_offset());
      EXPECT_TRUE(found);
      if (found && found->has_value()) answers.by_time.emplace_back((*found)->offset, (*found)->timestamp);
    }
    const auto newest = log.max_timestamp(log.end_offset());
    EXPECT_TRUE(newest && newest->has_value());
    if (newest && newest->has_value()) answers.by_time.emplace_back((*newest)->offset, (*newest)->timestamp);
    for (std::int32_t epoch = 0; epoch < 5; ++epoch) answers.epoch_ends.push_back(log.end_offset_for_epoch({epoch}));
    for (const storage::ProducerEntry& entry : log.producers().entries()) {
      answers.producers.emplace_back(entry.id.value, entry.epoch, entry.batch.last_sequence, entry.batch.last_offset.value);
    }
    return answers;
  }

  LogFixture fixture_{small_segments(900)};
  std::array<std::int32_t, 4> sequences_{};
  std::map<std::string, BatchBytes> old_;
  std::map<std::string, BatchBytes> new_;
  RecoveryPoint point_;
  Answers expected_;
};

BatchBytes noise(std::size_t size) {
  std::mt19937 random(static_cast<std::uint32_t>(size));
  BatchBytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// Spoils every file whose name ends so, one after the other, in every way.
void spoil_each(const std::string& ending) {
  Kept kept;
  int count = 0;
  for (const auto& [name, bytes] : kept.newest()) {
    if (!name.ends_with(ending)) continue;
    ++count;
    const auto half = bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2);
    const std::vector<std::pair<std::string, BatchBytes>> ways{{"empty", {}},
                                                               {"cut", {bytes.begin(), half}},
                                                               {"noise", noise(bytes.size())},
                                                               {"more noise", noise(bytes.size() + 4096)},
                                                               {"old", kept.older(name)}};
    for (const auto& [way, spoiled] : ways) {
      kept.restore();
      kept.fixture().disk().set_contents(LogFixture::path(name), spoiled);
      kept.expect_unchanged(name + ", " + way);
    }
    kept.restore();
    ASSERT_TRUE(kept.fixture().disk().remove(LogFixture::path(name)));
    kept.expect_unchanged(name + ", gone");
  }
  EXPECT_GT(count, 0);
}

TEST(Garbage, InAnOffsetIndexIsRebuilt) { spoil_each(".index"); }
TEST(Garbage, InATimeIndexIsRebuilt) { spoil_each(".timeindex"); }
TEST(Garbage, InAProducerSnapshotIsReplayed) { spoil_each(".snapshot"); }
TEST(Garbage, InTheEpochCheckpointIsRebuilt) { spoil_each("leader-epoch-checkpoint"); }

/// All of them at once, and what recovery left.
TEST(Garbage, EverywhereLeavesTheLogAsItWas) {
  Kept kept;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3000}}) {
    kept.restore();
    for (const auto& [name, bytes] : kept.newest()) {
      const bool is_rebuilt = !name.ends_with(".log") && name != "partition.metadata";
      if (is_rebuilt) kept.fixture().disk().set_contents(LogFixture::path(name), noise(size));
    }
    kept.fixture().disk().set_contents(LogFixture::path("damaged-ranges"), noise(size));
    kept.fixture().disk().set_contents(LogFixture::path("00000000000000000000.log.deleted"), noise(size));
    kept.fixture().disk().set_contents(LogFixture::path("00000000000000000000.index.tmp"), noise(size));
    kept.fixture().disk().set_contents(LogFixture::path("00000000000000000000.log.5-7.cut"), noise(size));

    kept.expect_unchanged("all of " + std::to_string(size) + " bytes");
  }
}

/// The ranges that were known are lost with their file, and found again by whoever looks.
TEST(Garbage, InTheDamagedRangesMakesThemBeFoundAgain) {
  for (const BatchBytes& spoiled : {BatchBytes{}, noise(40), noise(4000)}) {
    Kept kept;
    const std::string first = LogFixture::path("00000000000000000000.log");
    kept.fixture().drop();
    BatchBytes bytes = kept.fixture().disk().contents(first);
    bytes.at(make_batch({0}, {.producer = {0}, .producer_epoch = 0, .sequence = 0}).size() + 7) ^= std::byte{64};
    kept.fixture().disk().set_contents(first, bytes);
    kept.fixture().disk().set_contents(LogFixture::path("damaged-ranges"), spoiled);

    kept.fixture().reopen_after({.known = std::nullopt, .writes_survived = true});

    EXPECT_EQ(read_as_client(kept.fixture().log()).refused, (std::set<Offset>{Offset{1}, Offset{2}}));
  }
}

}  // namespace
}  // namespace tidelog::testing
