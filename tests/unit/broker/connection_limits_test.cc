// What a connection may keep of the broker's time and of memory for answers, and that each limit names itself in the counts.
#include "tests/unit/broker/connection_fixture.h"

namespace tidelog::broker {
namespace {

using std::chrono::seconds;

class ConnectionLimitsTest : public ConnectionTest {};

TEST_F(ConnectionLimitsTest, HalfAFrameEndsAtItsDeadlineHoweverItDribbles) {
  const auto wire = connect();
  for (const char byte : request().substr(0, 10)) {
    give(*wire, std::string_view(&byte, 1));
    pass(seconds(3));
  }

  pass(seconds(1));

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
}

// The read that brings the half frame fills the whole block, so the reader looks for more before it waits.
TEST_F(ConnectionLimitsTest, HalfAFrameThatFilledItsBlockHasADeadlineToo) {
  const auto wire = connect();
  std::string bytes("\0\1\0\0", 4);  // 64 KiB are announced, 16 KiB come: a first block.
  bytes.resize(16 * 1024);
  give(*wire, bytes);

  pass(seconds(31));

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
}

// Whoever answers the produce does so through its connection.
TEST_F(ConnectionLimitsTest, AnInternalErrorEndsAConnectionAfterItsProducesAreAnswered) {
  const auto wire = connect();
  give(*wire, produce_request());
  handler_.throws = true;

  give(*wire, produce_request());
  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(set_->size(), 1U);

  handler_.late->come();
  env_.loop().run_ready();
  EXPECT_EQ(set_->size(), 0U);
  EXPECT_EQ(handler_.ended, 1);
}

// The writer waits on the connection's stream.
TEST_F(ConnectionLimitsTest, AnInternalErrorEndsAConnectionAfterItsWriter) {
  const auto wire = connect();
  wire->room = 4;
  give(*wire, request());
  handler_.throws = true;

  give(*wire, request());

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(set_->size(), 0U);
  EXPECT_EQ(handler_.ended, 1);
}

// The connection stays until its writer is gone, and just then another one looks for somebody to hurry.
TEST_F(ConnectionLimitsTest, NobodyHurriesARequestThatAnInternalErrorEnded) {
  const auto failing = connect();
  failing->room = 4;
  give(*failing, request());
  Signal records(env_.loop().executor());
  handler_.waits_with = {.bytes = 300'000, .for_records = &records, .fails = true};
  give(*failing, request());
  handler_.waits_with = {};
  handler_.wants_bytes = kResponseMemory - 200'000;
  const auto other = connect();
  ASSERT_FALSE(shard_.response_budget()->has_room(handler_.wants_bytes));

  records.notify();
  other->give(request());
  env_.loop().run_ready();

  EXPECT_TRUE(failing->is_closed);
  EXPECT_EQ(other->written.size(), 10U);
  EXPECT_EQ(set_->size(), 1U);
  EXPECT_EQ(shard_.response_budget()->used_bytes(), 0U);
}

TEST_F(ConnectionLimitsTest, IdleConnectionsEnd) {
  const auto wire = connect();

  pass(seconds(601));

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::connections_max_idle), 1U);
}

TEST_F(ConnectionLimitsTest, AReaderThatTakesAByteNowAndThenIsNoReader) {
  handler_.answer_bytes = 500'000;
  const auto wire = connect();
  wire->room = 0;
  give(*wire, request());

  for (int i = 0; i < 31; ++i) {
    take(*wire, 100);
    pass(seconds(1));
  }

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::response_write_timeout), 1U);
}

TEST_F(ConnectionLimitsTest, ASlowReaderThatGoesOnReadingIsServed) {
  handler_.answer_bytes = 500'000;
  const auto wire = connect();
  wire->room = 0;
  give(*wire, request());

  for (int i = 0; i < 100; ++i) {
    take(*wire, 5'000);
    pass(seconds(1));
  }

  EXPECT_FALSE(wire->is_closed);
  EXPECT_EQ(wire->written.size(), 500'000U);
}

// A large answer over a slow line takes longer than an idle connection may live.
TEST_F(ConnectionLimitsTest, AReaderThatIsStillReadingIsNotIdle) {
  make(seconds(60));
  handler_.answer_bytes = 900'000;
  const auto wire = connect();
  wire->room = 0;
  give(*wire, request());

  for (int i = 0; i < 170; ++i) {
    take(*wire, 5'000);
    pass(seconds(1));
  }

  EXPECT_FALSE(wire->is_closed);
}

TEST_F(ConnectionLimitsTest, WhenAnswersTakeTooMuchMemoryTheLargestUnreadOnesGo) {
  handler_.answer_bytes = 600'000;
  const auto deaf = connect();
  deaf->room = 0;
  give(*deaf, request());
  pass(seconds(2));
  handler_.answer_bytes = 500'000;
  const auto other = connect();
  other->room = 0;

  give(*other, request());

  EXPECT_TRUE(deaf->is_closed);
  EXPECT_FALSE(other->is_closed);
  EXPECT_EQ(count(Limit::response_memory_bytes), 1U);
  EXPECT_LE(shard_.response_budget()->used_bytes(), kResponseMemory);
}

// Nobody had time to read, but there is a bound.
TEST_F(ConnectionLimitsTest, NoGraceIsGivenBeyondHalfAsMuchAgain) {
  handler_.answer_bytes = 900'000;
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 10; ++i) {
    crowd.push_back(connect());
    crowd.back()->room = 0;
    give(*crowd.back(), request());
    EXPECT_LE(shard_.response_budget()->used_bytes(), kResponseMemory * 3 / 2);
  }
}

TEST_F(ConnectionLimitsTest, APromptReaderGetsAnAnswerLargerThanThePool) {
  handler_.answer_bytes = kResponseMemory + kResponseMemory / 4;
  const auto reader = connect();
  reader->room = 100'000;
  give(*reader, request());
  handler_.answer_bytes = 10'000;
  const auto other = connect();
  other->room = 0;
  give(*other, request());

  for (int i = 0; i < 13; ++i) {
    pass(std::chrono::milliseconds(100));
    take(*reader, 100'000);
  }

  EXPECT_EQ(reader->written.size(), kResponseMemory + kResponseMemory / 4);
  EXPECT_FALSE(reader->is_closed || other->is_closed);
}

TEST_F(ConnectionLimitsTest, OnlyWhoDoesNotReadMakesRoomForAnAnswer) {
  handler_.answer_bytes = 400'000;
  const auto deaf = connect();
  deaf->room = 0;
  give(*deaf, request());
  const auto slow = connect();
  slow->room = 0;
  give(*slow, request());
  for (int i = 0; i < 4; ++i) {
    pass(std::chrono::milliseconds(500));
    take(*slow, 10'000);
  }
  ASSERT_FALSE(shard_.response_budget()->has_room(200'000));

  handler_.wants_bytes = 200'000;
  const auto wide = connect();
  give(*wide, request());

  EXPECT_TRUE(deaf->is_closed);
  EXPECT_FALSE(slow->is_closed) << "at its pace all is read in time";
  EXPECT_EQ(count(Limit::response_memory_bytes), 1U);
  EXPECT_TRUE(shard_.response_budget()->has_room(200'000));
}

TEST_F(ConnectionLimitsTest, WhoWaitsForRecordsMakesRoomBeforeAnybodyIsClosed) {
  handler_.answer_bytes = 400'000;
  const auto deaf = connect();
  deaf->room = 0;
  give(*deaf, request());
  Signal records(env_.loop().executor());
  handler_.waits_with = {.bytes = 300'000, .for_records = &records};
  const auto patient = connect();
  give(*patient, request());
  handler_.waits_with = {};
  pass(seconds(2));
  ASSERT_EQ(patient->written.size(), 0U);

  handler_.answer_bytes = 10;
  handler_.wants_bytes = 200'000;
  const auto wide = connect();
  give(*wide, request());

  EXPECT_GT(patient->written.size(), 0U);
  EXPECT_FALSE(deaf->is_closed);
  EXPECT_TRUE(shard_.response_budget()->has_room(200'000));
}

// A hundred requests that came in one read take half a millisecond each, or more.
TEST_F(ConnectionLimitsTest, WhoSendsManyRequestsAtOnceLetsOthersGoOn) {
  const auto busy = connect();
  const auto other = connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += request();
  busy->give(all);
  other->give(request());

  env_.loop().let_looking_take(std::chrono::microseconds(500));
  env_.loop().run_ready();
  env_.loop().let_looking_take({});

  ASSERT_EQ(handler_.order.size(), 101U);
  const Connection* const first = handler_.order.front();
  const auto turn = std::ranges::find_if(handler_.order, [&](const Connection* served) { return served != first; });
  EXPECT_LE(turn - handler_.order.begin(), 5) << "the other one waited for all of them";
  EXPECT_EQ(std::ranges::count(handler_.order, first), 100);
}

// Were an answer of 100 KB waiting for each, the next request would add to it.
TEST_F(ConnectionLimitsTest, WhileMemoryForAnswersIsScarceAPeerGetsNoMoreBeforeItReads) {
  handler_.answer_bytes = 100'000;
  const auto wire = connect();
  wire->room = 0;
  BudgetShare others;
  others.resize(shard_.response_budget(), 600'000);

  give(*wire, request() + request() + request());
  const int served_unread = handler_.served;
  take(*wire, 300'000);

  EXPECT_EQ(served_unread, 1);
  EXPECT_EQ(handler_.served, 3);
}

TEST_F(ConnectionLimitsTest, AnswersThatWereReadCostNothing) {
  handler_.answer_bytes = 600'000;
  const auto wire = connect();

  for (int i = 0; i < 5; ++i) give(*wire, request());

  EXPECT_EQ(wire->written.size(), 3'000'000U);
  EXPECT_EQ(shard_.response_budget()->used_bytes(), 0U);
  EXPECT_EQ(shard_.budget()->used_bytes(), 0U) << "an idle connection keeps no block";
}

// While it is busy it keeps what an answer of that size takes.
TEST_F(ConnectionLimitsTest, AnIdleConnectionIsNotChargedForWhatItKeptForItsNextAnswer) {
  handler_.answer_bytes = 20'000;
  const auto wire = connect();

  give(*wire, request());

  EXPECT_EQ(wire->written.size(), 20'000U);
  EXPECT_EQ(shard_.response_budget()->used_bytes(), 0U);
}

TEST_F(ConnectionLimitsTest, ASlowReaderThatIsDoneCostsNothing) {
  handler_.answer_bytes = 20'000;
  const auto wire = connect();
  wire->room = 0;
  give(*wire, request());
  const std::size_t unread = shard_.response_budget()->used_bytes();

  take(*wire, 20'000);

  EXPECT_GE(unread, 20'000U);
  EXPECT_EQ(wire->written.size(), 20'000U);
  EXPECT_EQ(shard_.response_budget()->used_bytes(), 0U);
}

TEST_F(ConnectionLimitsTest, ACleanStopAnswersAProduceUnderWayAndWaitsForNoMore) {
  const auto wire = connect();
  give(*wire, produce_request());
  ASSERT_NE(handler_.late, nullptr);
  asio::co_spawn(env_.loop().executor(), set_->finish(), asio::detached);
  env_.loop().run_ready();
  EXPECT_FALSE(wire->is_closed) << "it has not been answered";

  handler_.late->come();
  env_.loop().run_ready();
  EXPECT_EQ(wire->written.size(), 10U);
  EXPECT_TRUE(wire->is_closed) << "though the client says nothing more";
}

TEST_F(ConnectionLimitsTest, ACleanStopWaitsForASlowReaderOfItsLastAnswer) {
  const auto wire = connect();
  wire->room = 4;
  give(*wire, produce_request());
  asio::co_spawn(env_.loop().executor(), set_->finish(), asio::detached);
  handler_.late->come();
  env_.loop().run_ready();
  EXPECT_FALSE(wire->is_closed);

  take(*wire, 100);
  EXPECT_EQ(wire->written.size(), 10U);
  EXPECT_TRUE(wire->is_closed);
}

TEST_F(ConnectionLimitsTest, TheLongestIdleMakesPlaceAndNoOtherDoes) {
  const auto oldest = connect();
  pass(seconds(70));
  const auto younger = connect();
  pass(seconds(70));
  give(*younger, request());

  set_->close_longest_idle();
  env_.loop().run_ready();
  set_->close_longest_idle();
  env_.loop().run_ready();

  EXPECT_TRUE(oldest->is_closed);
  EXPECT_FALSE(younger->is_closed);
}

}  // namespace
}  // namespace tidelog::broker
