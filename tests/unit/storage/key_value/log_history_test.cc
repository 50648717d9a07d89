#include "storage/key_value/log_history.h"

#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::testing {
namespace {

using storage::AppliedMark;
using storage::HistoryOfLog;
using storage::LogPoint;

/// A log with a batch of three records and one of two, of different epochs.
class LogHistories : public ::testing::Test {
 protected:
  LogHistories() {
    EXPECT_EQ(fixture_.append(BatchSpec{.records = 3, .epoch = {1}}), Offset{3});
    EXPECT_EQ(fixture_.append(BatchSpec{.records = 2, .epoch = {4}}), Offset{5});
  }
  [[nodiscard]] AppliedMark mark_at(Offset next) {
    const Result<LogPoint> point = history_.point_before(next);
    EXPECT_TRUE(point);
    return {.log_id = history_.log_id(), .point = point.value_or(LogPoint{}), .entries = {}};
  }
  std::optional<std::string_view> misfit(const AppliedMark& mark) { return storage::why_it_does_not_fit(mark, history_); }

  LogFixture fixture_;
  HistoryOfLog history_{fixture_.log()};
};

TEST_F(LogHistories, KnowTheBatchBeforeAPlace) {
  const BatchBytes first = make_batch({0}, {.records = 3, .epoch = {1}});
  const proto::BatchView batch = *proto::BatchView::parse(first);

  const Result<LogPoint> point = history_.point_before({3});

  ASSERT_TRUE(point);
  EXPECT_EQ(point->next_offset, Offset{3});
  EXPECT_EQ(point->epoch, LeaderEpoch{1});
  EXPECT_EQ(point->batch_crc, batch.crc());
  EXPECT_EQ(history_.point_before({5})->epoch, LeaderEpoch{4});
}

TEST_F(LogHistories, KnowNothingOfOtherPlaces) {
  EXPECT_EQ(history_.point_before({-1}).error(), Errc::not_found);
  EXPECT_EQ(history_.point_before({0}).error(), Errc::not_found);
  EXPECT_EQ(history_.point_before({2}).error(), Errc::not_found) << "inside a batch";
  EXPECT_EQ(history_.point_before({6}).error(), Errc::not_found) << "above the end";
}

TEST_F(LogHistories, KnowNothingBelowTheLogStart) {
  ASSERT_TRUE(fixture_.log().advance_log_start({3}));

  EXPECT_EQ(history_.point_before({3}).error(), Errc::not_found);
  EXPECT_TRUE(history_.point_before({5}));
}

TEST_F(LogHistories, AcceptAViewOfTheirFront) {
  EXPECT_EQ(misfit(mark_at({3})), std::nullopt);
  EXPECT_EQ(misfit(mark_at({5})), std::nullopt);
}

TEST_F(LogHistories, RefuseAViewOfAnotherLog) {
  AppliedMark mark = mark_at({3});
  ++mark.log_id;

  EXPECT_EQ(misfit(mark), "it was made from another log");
}

TEST_F(LogHistories, RefuseAViewThatIsAhead) {
  AppliedMark mark = mark_at({5});
  mark.point.next_offset = {6};

  EXPECT_EQ(misfit(mark), "the log does not have the batch that was last applied to it");
}

TEST_F(LogHistories, RefuseAViewThatIsBehindTheLogStart) {
  const AppliedMark mark = mark_at({3});
  ASSERT_TRUE(fixture_.log().advance_log_start({3}));

  EXPECT_EQ(misfit(mark), "the log does not have the batch that was last applied to it");
}

TEST_F(LogHistories, RefuseAViewOfAnotherEpochThere) {
  AppliedMark mark = mark_at({5});
  mark.point.epoch = {3};

  EXPECT_EQ(misfit(mark), "the log has another batch where it was last applied");
}

TEST_F(LogHistories, RefuseAViewOfAnotherBatchOfTheSameEpoch) {
  AppliedMark mark = mark_at({5});
  mark.point.batch_crc ^= 1;

  EXPECT_EQ(misfit(mark), "the log has another batch where it was last applied");
}

// What offset and epoch alone do not tell: the broker is alone and leads for ever, its last batch was taken for torn, and there are others
// now.
TEST_F(LogHistories, RefuseAViewOfAnEndThatWasLostAndGrewAgain) {
  const AppliedMark mark = mark_at({5});
  fixture_.drop();
  {
    const std::string segment = LogFixture::path("00000000000000000000.log");
    const std::unique_ptr<storage::File> file = *fixture_.disk().open(segment, storage::OpenMode::write);
    ASSERT_TRUE(file->truncate(*file->size() - 1));
  }
  storage::Log& log = fixture_.reopen(std::nullopt);
  ASSERT_EQ(log.end_offset(), Offset{3});
  ASSERT_EQ(fixture_.append(BatchSpec{.records = 2, .value_bytes = 30, .epoch = {4}}), Offset{5});
  ASSERT_EQ(fixture_.append(BatchSpec{.epoch = {4}}), Offset{6});
  HistoryOfLog history(log);

  EXPECT_EQ(storage::why_it_does_not_fit(mark, history), "the log has another batch where it was last applied");
}

}  // namespace
}  // namespace tidelog::testing
