// How a log and its cleaning get along with what others do to the log.
#include "tests/support/clean_log.h"
#include "tests/support/plain_batch.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

constexpr TimestampMs kNow{1'000'000};

storage::LogConfig compacted() {
  storage::LogConfig config = small_segments();
  config.compaction = {.is_on = true, .min_dirty_ratio = 0};
  return config;
}

/// A log of some segments, each with the same few keys, that may be cleaned as a whole but for its last segment.
class LogCleaning : public ::testing::Test {
 protected:
  LogCleaning() : fixture_(compacted()) {}

  void append(const PlainBatch& batch) {
    const std::vector<std::byte> bytes = encode(batch);
    const Bytes view(bytes);
    ASSERT_TRUE(log().append(std::span(&view, 1)));
  }
  void fill(int batches) {
    for (int i = 0; i < batches; ++i) {
      const Offset base = log().end_offset();
      append({.base = base,
              .last = base,
              .max_timestamp = kNow,
              .records = {{.offset = base, .timestamp = kNow, .key = std::to_string(base.value % 4), .value = std::string(40, 'v')}}});
    }
  }
  void save() {
    ASSERT_TRUE(fixture_.sync());
    static_cast<void>(log().recovery_state());
    log().manifest_written();
  }

  storage::Log& log() { return fixture_.log(); }
  Result<std::optional<CleanedPass>> clean() { return clean_once(log(), fixture_.faults(), {.now = kNow, .limit = log().end_offset()}); }

  LogFixture fixture_;
};

TEST_F(LogCleaning, MapsNoRecordThatClaimsAPlaceOutsideItsBatch) {
  append({.base = {0}, .last = {0}, .max_timestamp = kNow, .records = {{.offset = {7}, .timestamp = kNow, .key = "0", .value = "v"}}});
  fill(40);
  save();
  const BatchBytes before = fixture_.read_all({0});

  const auto pass = clean();

  ASSERT_FALSE(pass);
  EXPECT_EQ(pass.error(), Errc::corrupt);
  EXPECT_EQ(fixture_.read_all({0}), before);
}

TEST_F(LogCleaning, ALookAtACleanLogDoesNotLoadIt) {
  fill(40);
  save();
  ASSERT_TRUE(clean().has_value());
  ASSERT_TRUE(log().release());

  const auto facts = log().compaction_facts(log().end_offset(), kNow);

  ASSERT_TRUE(facts);
  EXPECT_FALSE(storage::plan_cleaning(*facts, log().config().compaction, kNow));
  EXPECT_FALSE(log().is_loaded());

  fill(40);
  save();
  ASSERT_TRUE(log().release());
  EXPECT_FALSE(log().compaction_facts(log().end_offset(), kNow)->segments.empty()) << "one that is dirty has something to tell";
}

}  // namespace
}  // namespace tidelog::testing
