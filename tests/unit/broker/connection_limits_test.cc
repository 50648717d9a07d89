// What a connection may keep of the broker's time and memory, and that each limit names itself in the counts.
#include "broker/net/connection_set.h"
#include "tests/support/fake_stream.h"
#include "tests/support/manual_env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace tidelog::broker {
namespace {

using std::chrono::seconds;

constexpr std::size_t kRequestMemory = 1 << 20;
constexpr std::size_t kResponseMemory = 1 << 20;

/// The answer of a Produce, for which the test says when it is there. Until then it keeps the request, as a real one does.
class LateAnswer final : public PendingResponse {
 public:
  LateAnswer(Connection& connection, ReceiveBlockPointer request) : connection_(connection), request_(std::move(request)) {}
  Outcome encode(SendQueue& to) override {
    to.output().append(std::vector<std::byte>(10));
    return Outcome::keep;
  }
  void come() {
    is_ready_ = true;
    connection_.response_ready();
  }

 private:
  Connection& connection_;
  ReceiveBlockPointer request_;
};

/// Answers every request with as many bytes as the test wants.
class Answering final : public RequestHandler {
 public:
  Started produce(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) override {
    if (throws) throw std::runtime_error("of a test");
    if (memory_comes != nullptr) return Started::later;
    auto answer = std::make_unique<LateAnswer>(connection, request.block);
    late = answer.get();
    response = std::move(answer);
    return Started::yes;
  }
  asio::awaitable<std::unique_ptr<PendingResponse>> produce_later(Connection& connection, Request request) override {
    co_await std::exchange(memory_comes, nullptr)->wait();
    std::unique_ptr<PendingResponse> response;
    produce(connection, request, response);
    co_return response;
  }
  asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) override {
    if (throws) throw std::runtime_error("of a test");
    ++served;
    order.push_back(&connection);
    if (waits_with.for_records != nullptr) {
      request.block.reset();
      connection.let_go_of_request();
      co_await wait_as_a_fetch(connection, waits_with);
    }
    if (wants_bytes > 0) connection.make_room_for_answer(wants_bytes);
    to.output().append(std::vector<std::byte>(answer_bytes));
    co_return Outcome::keep;
  }
  void closed(Connection&) override { ++ended; }

  /// A request that waits for something that may never come.
  struct Wait {
    std::size_t bytes = 0;
    Signal* for_records = nullptr;
    bool fails = false;  ///< In the end.
  };

  static asio::awaitable<void> wait_as_a_fetch(Connection& connection, Wait wait) {
    if (wait.bytes > 0) EXPECT_TRUE(connection.laid_out().try_resize(connection.shard(), wait.bytes));
    connection.client().waits_on = wait.for_records;
    connection.client().waits_for_records = true;
    co_await wait.for_records->wait();
    if (wait.fails) throw std::runtime_error("of a test");
    connection.client().waits_for_records = false;
    connection.client().waits_on = nullptr;
  }

  Wait waits_with;
  std::size_t answer_bytes = 10;
  std::size_t wants_bytes = 0;  ///< Asked for before each answer.
  int served = 0;
  int ended = 0;
  std::vector<const Connection*> order;  ///< Whose request was served when.
  bool throws = false;
  LateAnswer* late = nullptr;      ///< The newest.
  Signal* memory_comes = nullptr;  ///< The next produce lacks memory until then.
};

class ConnectionLimitsTest : public ::testing::Test {
 protected:
  ConnectionLimitsTest() { make({}); }
  ~ConnectionLimitsTest() override {
    for (const auto& wire : wires_) {
      wire->is_closed = true;
      wire->readable.notify();
      wire->writable.notify();
    }
    env_.loop().run_ready();
  }

  void make(SteadyTime idle) {
    set_ = std::make_unique<ConnectionSet>(shard_, handler_,
                                           ConnectionLimits{.max_frame_bytes = 4 << 20,
                                                            .max_in_flight = 100,
                                                            .idle = idle == SteadyTime{} ? seconds(600) : idle,
                                                            .whole_frame = seconds(30),
                                                            .write_stall = seconds(30)});
  }
  std::shared_ptr<FakeWire> connect() {
    wires_.push_back(std::make_shared<FakeWire>(env_.loop()));
    set_->adopt(std::make_unique<FakeAccepted>(wires_.back()), [] {});
    env_.loop().run_ready();
    return wires_.back();
  }
  void give(FakeWire& wire, std::string_view bytes) {
    wire.give(bytes);
    env_.loop().run_ready();
  }
  void take(FakeWire& wire, std::size_t bytes) {
    wire.take(bytes);
    env_.loop().run_ready();
  }
  void pass(SteadyTime time) {
    env_.loop().advance(time);
    env_.loop().run_ready();
  }
  /// An old Metadata request.
  static std::string request() { return std::string("\0\0\0\x0e\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0", 18); }
  /// The same with so many bytes behind it that nobody asked for.
  static std::string padded_request(std::size_t bytes) {
    std::string whole = request();
    whole.resize(4 + bytes);
    whole[1] = static_cast<char>(bytes >> 16);
    whole[2] = static_cast<char>(bytes >> 8);
    whole[3] = static_cast<char>(bytes);
    return whole;
  }
  static std::string produce_request() { return std::string("\0\0\0\x0e\0\0\0\3\0\0\0\7\xff\xff\0\0\0\0", 18); }
  [[nodiscard]] std::uint64_t count(Limit limit) { return shard_.limits().count(limit); }

  ManualEnv env_;
  Shard shard_{env_, 0, {.request_bytes = kRequestMemory, .response_bytes = kResponseMemory}};
  Answering handler_;
  std::unique_ptr<ConnectionSet> set_;
  std::vector<std::shared_ptr<FakeWire>> wires_;
};

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

// The peer is not at fault: it may have sent the rest long ago.
TEST_F(ConnectionLimitsTest, TheDeadlineOfHalfAFrameStandsStillWhileThereIsNoMemoryToReadInto) {
  const auto wire = connect();
  std::string bytes("\0\1\0\0", 4);
  bytes.resize(16 * 1024);  // A first block.
  give(*wire, std::string_view(bytes).substr(0, 10'000));
  pass(seconds(20));
  shard_.budget()->take(kRequestMemory);
  give(*wire, std::string_view(bytes).substr(10'000));
  pass(seconds(25));
  EXPECT_FALSE(wire->is_closed) << "the broker reads nothing";
  shard_.budget()->give(kRequestMemory);
  env_.loop().run_ready();

  pass(seconds(9));
  EXPECT_FALSE(wire->is_closed) << "29 seconds of its own";
  pass(seconds(2));
  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
}

TEST_F(ConnectionLimitsTest, HalfAFrameIsNotKeptForEverThoughMemoryNeverComes) {
  const auto wire = connect();
  std::string bytes("\0\1\0\0", 4);
  bytes.resize(16 * 1024);
  give(*wire, std::string_view(bytes).substr(0, 10'000));
  shard_.budget()->take(kRequestMemory);
  give(*wire, std::string_view(bytes).substr(10'000));

  pass(seconds(59));
  EXPECT_FALSE(wire->is_closed);
  pass(seconds(2));
  EXPECT_TRUE(wire->is_closed) << "twice the time";
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
  shard_.budget()->give(kRequestMemory);
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

// A fetch may wait for minutes, and what its request was padded with is nobody's use.
TEST_F(ConnectionLimitsTest, ARequestThatWaitsAndWasLetGoKeepsNoMemory) {
  Signal records(env_.loop().executor());
  Signal others_records(env_.loop().executor());
  handler_.waits_with = {.for_records = &records};
  const auto patient = connect();
  give(*patient, padded_request(60'000));
  const std::size_t held_by_one = shard_.budget()->used_bytes();
  handler_.waits_with = {.for_records = &others_records};
  const auto with_more_behind = connect();
  give(*with_more_behind, padded_request(60'000) + request().substr(0, 10));
  const std::size_t held_by_both = shard_.budget()->used_bytes();
  ASSERT_EQ(handler_.served, 2);

  handler_.waits_with = {};
  records.notify();
  others_records.notify();
  env_.loop().run_ready();
  give(*with_more_behind, request().substr(10));

  EXPECT_EQ(held_by_one, 0U);
  EXPECT_LE(held_by_both, 100U) << "ten bytes came behind it";
  EXPECT_EQ(handler_.served, 3) << "what came behind it goes on where it stood";
}

TEST_F(ConnectionLimitsTest, WhatIsQueuedBehindRequestsThatWaitComesBackBeforeAnybodyIsClosed) {
  std::deque<Signal> records;
  std::vector<std::shared_ptr<FakeWire>> patient;
  while (shard_.budget()->has_room(1 << 17)) {
    handler_.waits_with = {.for_records = &records.emplace_back(env_.loop().executor())};
    patient.push_back(connect());
    give(*patient.back(), request() + padded_request(60'000));
    ASSERT_LT(patient.size(), 100U);
  }
  handler_.waits_with = {};
  shard_.budget()->take(200'000);
  const auto other = connect();
  give(*other, padded_request(100'000));
  const std::size_t served_at_first = other->written.size();

  pass(seconds(3));

  EXPECT_EQ(served_at_first, 0U);
  EXPECT_GT(other->written.size(), 0U);
  EXPECT_EQ(std::ranges::count(patient, true, [](const auto& wire) { return wire->is_closed; }), 0);
  EXPECT_EQ(handler_.served, static_cast<int>(2 * patient.size() + 1));
  shard_.budget()->give(200'000);
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

TEST_F(ConnectionLimitsTest, AProduceWithoutMemoryStopsTheReadingAndGoesOnInOrder) {
  Signal memory(env_.loop().executor());
  handler_.memory_comes = &memory;
  const auto wire = connect();
  give(*wire, produce_request() + request());
  EXPECT_EQ(handler_.late, nullptr);
  EXPECT_EQ(handler_.served, 0) << "what came after it waits";

  memory.notify();
  env_.loop().run_ready();
  ASSERT_NE(handler_.late, nullptr);
  handler_.late->come();
  env_.loop().run_ready();

  EXPECT_EQ(handler_.served, 1);
  EXPECT_EQ(wire->written.size(), 20U);
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

TEST_F(ConnectionLimitsTest, UnfinishedRequestsThatKeepOthersWaitingGoLargestFirst) {
  std::string half("\0\x3f\0\0", 4);  // Just below 4 MiB.
  half.resize(900'000);
  const auto hoarder = connect();
  give(*hoarder, half);
  const auto second = connect();
  give(*second, half);
  ASSERT_FALSE(hoarder->is_closed || second->is_closed);

  pass(seconds(3));

  EXPECT_TRUE(hoarder->is_closed != second->is_closed) << "one makes room for the other";
  EXPECT_GE(count(Limit::queued_max_request_bytes), 1U);
}

// Many may wait, and each becomes impatient at its own time; what the first victim held is enough for them all.
TEST_F(ConnectionLimitsTest, OneVictimIsEnoughForAllWhoWait) {
  std::string large("\0\x3f\0\0", 4);
  large.resize(300'000);
  const auto hoarder = connect();
  give(*hoarder, large);
  std::string half("\0\0\x75\x30", 4);  // 30,000 are announced.
  half += request().substr(4);
  half.resize(25'000);
  std::vector<std::shared_ptr<FakeWire>> crowd;
  while (shard_.budget()->has_room(1 << 14)) {
    crowd.push_back(connect());
    give(*crowd.back(), half);
  }
  for (int i = 0; i < 10; ++i) {
    pass(std::chrono::milliseconds(7));
    crowd.push_back(connect());
    give(*crowd.back(), half);
  }
  ASSERT_FALSE(hoarder->is_closed);

  pass(std::chrono::milliseconds(1500));
  for (const auto& wire : crowd) give(*wire, std::string(5'004, 'x'));

  EXPECT_TRUE(hoarder->is_closed);
  EXPECT_EQ(std::ranges::count(crowd, true, [](const auto& wire) { return wire->is_closed; }), 0);
  EXPECT_EQ(handler_.served, static_cast<int>(crowd.size()));
}

TEST_F(ConnectionLimitsTest, SmallRequestsAreReadWhileLargeOnesHaveTheMemory) {
  std::string half("\0\x3f\0\0", 4);
  half.resize(300'000);
  const auto hoarder = connect();
  give(*hoarder, half);
  const auto small = connect();

  give(*small, request());

  EXPECT_EQ(small->written.size(), 10U);
}

// A crowd that sends the beginning of a request each. Were a whole block kept for each, 64 of them would have all of the memory.
TEST_F(ConnectionLimitsTest, ManyBeginningsOfRequestsKeepOnlyTheirBytes) {
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 500; ++i) {
    crowd.push_back(connect());
    give(*crowd.back(), request().substr(0, 10));
  }
  const auto small = connect();
  give(*small, request());
  const std::size_t written_at_once = small->written.size();
  for (const auto& wire : crowd) give(*wire, request().substr(10));

  EXPECT_EQ(written_at_once, 10U);
  EXPECT_EQ(handler_.served, 501) << "what was begun goes on where it stood";
  EXPECT_EQ(shard_.budget()->used_bytes(), 0U);
}

// Whoever has the memory: what fits into a kilobyte is answered at once, however much of it comes.
TEST_F(ConnectionLimitsTest, SmallRequestsAreReadThoughNothingIsLeftOfTheMemory) {
  shard_.budget()->take(kRequestMemory);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < 1000; ++i) all += request();

  give(*wire, all);

  EXPECT_EQ(handler_.served, 1000);
  EXPECT_EQ(shard_.budget()->used_bytes(), kRequestMemory);
  shard_.budget()->give(kRequestMemory);
}

TEST_F(ConnectionLimitsTest, ProducesThatWaitKeepOneKilobyteOfThatAndNoMore) {
  shard_.budget()->take(kRequestMemory);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < 90; ++i) all += produce_request();

  give(*wire, all);

  EXPECT_GE(wire->to_read.size(), 90 * produce_request().size() - 1024) << "more than a kilobyte was read";
  shard_.budget()->give(kRequestMemory);
}

// Each of a crowd has sent the beginning of a request. Were all of the memory spent on beginnings, nobody's rest could be read.
TEST_F(ConnectionLimitsTest, ACrowdWithModerateRequestsIsServedWithoutAWait) {
  std::string whole(4 + 60'000, '\0');
  whole[2] = static_cast<char>(60'000 >> 8);
  whole[3] = static_cast<char>(60'000 & 0xff);
  whole.replace(4, 14, request().substr(4));
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 400; ++i) {
    crowd.push_back(connect());
    give(*crowd.back(), whole.substr(0, 5'000));
  }

  for (const auto& wire : crowd) give(*wire, whole.substr(5'000));

  EXPECT_EQ(handler_.served, 400);
  EXPECT_EQ(count(Limit::request_frame_timeout), 0U);
  EXPECT_EQ(shard_.budget()->used_bytes(), 0U);
}

// The first block is full, and there is no memory for a second one: its reader never came to wait for more bytes.
TEST_F(ConnectionLimitsTest, ARequestThatWaitsForMemoryHasADeadlineToo) {
  shard_.budget()->take(kRequestMemory - 20'000);
  const auto wire = connect();
  std::string half("\0\2\0\0", 4);
  half.resize(60'000);
  give(*wire, half);
  ASSERT_FALSE(wire->is_closed);

  for (int i = 0; i < 70; ++i) pass(seconds(1));

  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
  shard_.budget()->give(kRequestMemory - 20'000);
}

TEST_F(ConnectionLimitsTest, ABusyReaderGoesOnInSmallPiecesWhenThereIsNoMemoryForLargeOnes) {
  constexpr int kRequests = 10'000;
  shard_.budget()->take(900'000);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += request();

  give(*wire, all);

  EXPECT_EQ(handler_.served, kRequests);
  shard_.budget()->give(900'000);
}

TEST_F(ConnectionLimitsTest, OneLargeRequestMayHaveMoreThanAllMemoryWhenNobodyElseNeedsIt) {
  std::string whole("\0\x20\0\0", 4);  // 2 MiB in a pool of 1.
  whole += request().substr(4);
  whole.resize(4 + 0x200000);
  const auto wire = connect();

  give(*wire, whole);

  EXPECT_EQ(handler_.served, 1);
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
