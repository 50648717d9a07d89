#include "storage/key_value/log_view.h"

#include "tests/unit/storage/key_value/memory_place.h"
#include "tests/unit/storage/key_value/small_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::LogPoint;
using storage::LogView;
using storage::ViewState;
using storage::WriteBatch;

/// A view in memory that follows a log.
class LogViews : public ::testing::Test {
 protected:
  LogViews() { fill(log_, 100); }

  /// As after a restart: another view, on what the one before left.
  ViewOwner open_again() {
    view_.close();
    ViewOwner owner;
    EXPECT_TRUE(owner.open(view_, log_));
    return owner;
  }
  void make() {
    ViewOwner owner = open_again();
    ASSERT_TRUE(owner.catch_up(view_, log_));
  }
  static WriteBatch one_change() {
    WriteBatch batch;
    EXPECT_TRUE(batch.put("key", "value"));
    return batch;
  }

  SmallLog log_;
  MemoryPlace place_;
  LogView view_{place_, "the view"};
};

TEST_F(LogViews, TouchNothingUntilTheyAreOpened) {
  EXPECT_EQ(place_.opened(), 0);
  EXPECT_FALSE(view_.is_ready());
  EXPECT_EQ(view_.get("key").error(), Errc::closed);
  EXPECT_EQ(view_.sync().error(), Errc::closed);
  EXPECT_EQ(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {1}}, .high_watermark = {1}}).error(), Errc::closed);
}

TEST_F(LogViews, AreEmptyAtFirstAndSayNothingOfIt) {
  const ViewOwner owner = open_again();

  EXPECT_TRUE(view_.is_ready());
  EXPECT_EQ(owner.next(), Offset{0});
  EXPECT_TRUE(owner.lines().empty());
  EXPECT_EQ(place_.discarded(), 0);
}

TEST_F(LogViews, GoOnWhereTheyWere) {
  make();

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.next(), log_.end());
  EXPECT_EQ(owner.contents(), log_.contents(log_.end()));
  EXPECT_TRUE(owner.lines().empty());
  EXPECT_EQ(*view_.get("key-01"), log_.contents(log_.end()).at("key-01"));
}

// The mark tells what is in it: changes that the log has above it are made, and none twice.
TEST_F(LogViews, AreOfUseThoughTheyAreBehind) {
  make();
  const MemoryPlace::Entries older = place_.entries();
  fill(log_, 50);
  make();
  place_.entries() = older;

  ViewOwner owner = open_again();
  EXPECT_EQ(owner.next(), Offset{100});
  ASSERT_TRUE(owner.catch_up(view_, log_));

  EXPECT_EQ(owner.contents(), log_.contents({150}));
  EXPECT_EQ(open_again().contents(), log_.contents({150}));
}

TEST_F(LogViews, TakeNothingAboveTheHighWatermark) {
  open_again();

  EXPECT_EQ(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {5}}, .high_watermark = {4}}).error(), Errc::out_of_range);

  EXPECT_EQ(view_.get("key").error(), Errc::not_found);
  EXPECT_TRUE(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {5}}, .high_watermark = {5}}));
  EXPECT_EQ(*view_.get("key"), "value");
}

TEST_F(LogViews, TakeNoStepBackAndNothingOfAnotherLog) {
  open_again();
  ASSERT_TRUE(view_.apply({}, {.log_id = 42, .point = {.next_offset = {5}}, .high_watermark = {9}}));

  EXPECT_EQ(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {5}}, .high_watermark = {9}}).error(), Errc::invalid);
  EXPECT_EQ(view_.apply(one_change(), {.log_id = 43, .point = {.next_offset = {6}}, .high_watermark = {9}}).error(), Errc::invalid);
  EXPECT_TRUE(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {6}}, .high_watermark = {9}}));
}

TEST_F(LogViews, KeepTheirOwnKeysToThemselves) {
  open_again();
  WriteBatch batch;
  ASSERT_TRUE(batch.put(std::string("\0applied", 8), "forged"));

  EXPECT_EQ(view_.apply(batch, {.log_id = 42, .point = {.next_offset = {5}}, .high_watermark = {5}}).error(), Errc::invalid);
  EXPECT_EQ(view_.get(std::string("\0applied", 8)).error(), Errc::not_found);
}

TEST_F(LogViews, AreThrownAwayIfTheyAreOfAnotherLog) {
  make();
  log_.begin_anew();
  fill(log_, 100);

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.next(), Offset{0});
  EXPECT_TRUE(owner.contents().empty());
  EXPECT_EQ(owner.lines(), std::vector<std::string>{"the view is made again from its log: it was made from another log"});
}

TEST_F(LogViews, AreThrownAwayIfTheLogLostWhatIsInThem) {
  make();
  log_.truncate({60});

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.next(), Offset{0});
  EXPECT_EQ(owner.lines().size(), 1U);
}

// R9: it lost its end and has grown past the mark since, under the same leader.
TEST_F(LogViews, AreThrownAwayIfTheLogWentAnotherWay) {
  make();
  log_.truncate({60});
  fill(log_, 80);

  ViewOwner owner = open_again();
  EXPECT_EQ(owner.next(), Offset{0});
  EXPECT_EQ(owner.lines().size(), 1U);

  ASSERT_TRUE(owner.catch_up(view_, log_));
  EXPECT_EQ(owner.contents(), log_.contents(log_.end()));
}

TEST_F(LogViews, AreThrownAwayIfTheirMarkIsGone) {
  make();
  place_.entries().erase(place_.entries().begin());

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.lines(), std::vector<std::string>{"the view is made again from its log: it does not say how far it goes"});
  EXPECT_TRUE(place_.entries().empty());
}

TEST_F(LogViews, AreThrownAwayIfTheirMarkCannotBeRead) {
  make();
  place_.entries().begin()->second += "x";

  EXPECT_EQ(open_again().lines().size(), 1U);
}

TEST_F(LogViews, AreThrownAwayIfAnEntryIsGone) {
  make();
  place_.entries().erase("key-01");

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.lines(), std::vector<std::string>{"the view is made again from its log: entries of it are gone or have changed"});
  EXPECT_TRUE(owner.contents().empty());
}

TEST_F(LogViews, AreThrownAwayIfAnEntryChanged) {
  make();
  place_.entries().at("key-01")[3] ^= 1;

  EXPECT_EQ(open_again().lines().size(), 1U);
}

TEST_F(LogViews, AreThrownAwayIfAnEntryCameBack) {
  make();
  place_.entries().emplace("key-99", "an entry that was erased");

  EXPECT_EQ(open_again().lines().size(), 1U);
}

// A store that tore a batch would be noticed: changes without their mark, and a mark without its changes.
TEST_F(LogViews, AreThrownAwayIfChangesAndMarkAreNotOfOneBatch) {
  make();
  const MemoryPlace::Entries before = place_.entries();
  fill(log_, 5);
  make();
  const MemoryPlace::Entries after = place_.entries();

  MemoryPlace::Entries torn = after;
  torn.begin()->second = before.begin()->second;
  place_.entries() = torn;
  EXPECT_EQ(open_again().lines().size(), 1U);

  torn = before;
  torn.begin()->second = after.begin()->second;
  place_.entries() = torn;
  EXPECT_EQ(open_again().lines().size(), 1U);
}

TEST_F(LogViews, AreThrownAwayIfTheirOwnerCannotReadAnEntry) {
  make();
  ViewOwner owner;
  owner.refuse(log_.contents(log_.end()).at("key-01"));

  ASSERT_TRUE(owner.open(view_, log_));

  EXPECT_EQ(owner.lines().size(), 1U);
  EXPECT_TRUE(owner.contents().empty());
  EXPECT_EQ(owner.next(), Offset{0});
}

TEST_F(LogViews, AreMadeAgainIfTheyCannotBeOpened) {
  make();
  place_.fail_opens(1);

  ViewOwner owner = open_again();
  ASSERT_TRUE(owner.catch_up(view_, log_));

  EXPECT_EQ(owner.lines(), std::vector<std::string>{"the view is made again from its log: it cannot be opened: corrupt"});
  EXPECT_EQ(owner.contents(), log_.contents(log_.end()));
}

// Once: a disk that is broken is not written to for ever.
TEST_F(LogViews, GiveUpWhereNotEvenAnEmptyOneCanBe) {
  make();
  view_.close();
  const int opened = place_.opened();
  place_.fail_opens(2);
  ViewOwner owner;

  EXPECT_EQ(owner.open(view_, log_).error(), Errc::corrupt);

  EXPECT_FALSE(view_.is_ready());
  EXPECT_EQ(place_.opened(), opened + 2);
}

TEST_F(LogViews, GiveUpWhereTheyCannotBeThrownAway) {
  make();
  view_.close();
  place_.fail_opens(1);
  place_.fail_discards();
  ViewOwner owner;

  EXPECT_EQ(owner.open(view_, log_).error(), Errc::io);

  EXPECT_FALSE(view_.is_ready());
}

TEST_F(LogViews, CloseWhenTheStoreFailsAndComeBackWithWhatItKept) {
  make();
  place_.fail_writes(Errc::no_space);
  EXPECT_EQ(view_.apply(one_change(), {.log_id = 42, .point = {.next_offset = {101}}, .high_watermark = {101}}).error(), Errc::no_space);
  EXPECT_FALSE(view_.is_ready());
  place_.fail_writes(std::nullopt);

  const ViewOwner owner = open_again();

  EXPECT_EQ(owner.next(), Offset{100});
  EXPECT_EQ(owner.contents(), log_.contents({100}));
}

TEST_F(LogViews, CloseWhenWhatIsStoredCannotBeRead) {
  make();
  place_.fail_reads(Errc::corrupt);

  EXPECT_EQ(view_.get("key-01").error(), Errc::corrupt);

  EXPECT_FALSE(view_.is_ready());
  EXPECT_EQ(view_.get("key-01").error(), Errc::closed);
}

TEST_F(LogViews, TellWhenASyncFailed) {
  make();
  EXPECT_TRUE(view_.sync());
  place_.fail_writes(Errc::io);

  EXPECT_EQ(view_.sync().error(), Errc::io);
  EXPECT_FALSE(view_.is_ready());
}

TEST_F(LogViews, AreNotReadBeforeTheyAreLoaded) {
  make();

  const Result<ViewState> state = view_.open();

  ASSERT_TRUE(state && state->mark);
  EXPECT_EQ(state->mark->point, *log_.point_before(log_.end()));
  EXPECT_EQ(view_.get("key-01").error(), Errc::closed);
}

}  // namespace
}  // namespace tidelog::testing
