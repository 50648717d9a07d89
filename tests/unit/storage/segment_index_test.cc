#include "storage/log/segment_index.h"

#include "storage/log/segment.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

const std::string kIndex = LogFixture::path("00000000000000000000.index");
const std::string kTimeIndex = LogFixture::path("00000000000000000000.timeindex");

/// A log with one sealed and indexed segment, closed.
struct Indexed {
  LogFixture fixture{small_segments(4000)};
  BatchBytes stored;
  BatchBytes index;
  BatchBytes time_index;
  storage::RecoveryPoint point;

  Indexed() {
    for (int i = 0; i < 60; ++i) fixture.append(BatchSpec{.records = 1 + i % 2, .timestamps = {1000 + i, 900}});
    stored = fixture.read_all({0});
    EXPECT_TRUE(fixture.sync());
    fixture.log().close();
    point = fixture.log().recovery_state();
    index = fixture.disk().contents(kIndex);
    time_index = fixture.disk().contents(kTimeIndex);
  }

  /// Reads everything, by every offset, and lets the log write its indexes again.
  void expect_right() {
    fixture.reopen(point);
    EXPECT_EQ(fixture.read_all({0}, 300), stored);
    for (Offset from{0}; from < fixture.log().end_offset(); ++from) {
      const auto slice = fixture.log().read({.from = from, .limit = fixture.log().end_offset(), .max_bytes = 1});
      ASSERT_TRUE(slice) << from.value;
      ASSERT_LE(slice->first_offset, from);
      ASSERT_GT(slice->next_offset, from);
    }
  }
};

TEST(SegmentIndex, HasKafkasEntries) {
  Indexed log;

  const auto headers = headers_of(log.fixture.disk().contents(LogFixture::path("00000000000000000000.log")));

  // The first batch after more than 200 bytes: its last offset, and where it begins.
  std::size_t at = 0;
  std::uint32_t position = 0;
  while (position <= 200) position += headers.at(at++).size_bytes;
  ASSERT_GE(log.index.size(), 8U);
  EXPECT_EQ(load_be<std::int32_t>(log.index.data()), headers.at(at).last_offset().value);
  EXPECT_EQ(load_be<std::uint32_t>(log.index.data() + 4), position);
  EXPECT_EQ(load_be<std::int64_t>(log.time_index.data()), headers.at(at).max_timestamp.value);
  EXPECT_EQ(load_be<std::int32_t>(log.time_index.data() + 8), headers.at(at).last_offset().value);
  // And the greatest time of a sealed segment last.
  EXPECT_EQ(load_be<std::int64_t>(log.time_index.data() + log.time_index.size() - 24), headers.back().max_timestamp.value);
  // What ends it says of both files that they are whole.
  EXPECT_EQ(load_be<std::int32_t>(log.time_index.data() + log.time_index.size() - 4), 0);
}

TEST(SegmentIndex, IsRebuiltEqualWhenMissing) {
  Indexed log;
  ASSERT_TRUE(log.fixture.disk().remove(kIndex));
  ASSERT_TRUE(log.fixture.disk().remove(kTimeIndex));
  const storage::LogConfig config = small_segments(4000);
  const storage::LogPlace place = log.fixture.place();
  const std::uint64_t size = log.fixture.disk().contents(LogFixture::path("00000000000000000000.log")).size();
  storage::Segment segment(place, config, {0}, size);

  ASSERT_TRUE(segment.write_index());

  EXPECT_EQ(log.fixture.disk().contents(kIndex), log.index);
  EXPECT_EQ(log.fixture.disk().contents(kTimeIndex), log.time_index);
}

TEST(SegmentIndex, EveryWrongByteIsHarmless) {
  Indexed log;
  for (std::size_t at = 0; at < log.index.size(); ++at) {
    BatchBytes wrong = log.index;
    wrong[at] ^= std::byte{0x04};
    log.fixture.disk().set_contents(kIndex, wrong);
    log.expect_right();
    if (::testing::Test::HasFailure()) FAIL() << "byte " << at;
  }
}

TEST(SegmentIndex, EveryCutIsHarmless) {
  Indexed log;
  for (std::size_t size = 0; size < log.index.size(); size += 4) {
    log.fixture.disk().set_contents(kIndex, {log.index.begin(), log.index.begin() + static_cast<std::ptrdiff_t>(size)});
    log.expect_right();
    if (::testing::Test::HasFailure()) FAIL() << "size " << size;
  }
}

TEST(SegmentIndex, AStaleOneIsCompletedNotTrusted) {
  Indexed log;
  BatchBytes stale(log.index.begin(), log.index.begin() + 16);
  log.fixture.disk().set_contents(kIndex, stale);
  const storage::LogConfig config = small_segments(4000);
  const storage::LogPlace place = log.fixture.place();
  const std::uint64_t size = log.fixture.disk().contents(LogFixture::path("00000000000000000000.log")).size();
  storage::Segment segment(place, config, {0}, size);

  ASSERT_TRUE(segment.write_index());

  EXPECT_EQ(log.fixture.disk().contents(kIndex), log.index);
  EXPECT_EQ(log.fixture.disk().contents(kTimeIndex), log.time_index);
}

}  // namespace
}  // namespace tidelog::testing
