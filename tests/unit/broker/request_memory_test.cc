// Memory that requests come in: who gets it while it is scarce, and who gives it back.
#include "tests/unit/broker/connection_fixture.h"

namespace tidelog::broker {
namespace {

using std::chrono::seconds;

class RequestMemoryTest : public ConnectionTest {};

// The peer is not at fault: it may have sent the rest long ago.
TEST_F(RequestMemoryTest, TheDeadlineOfHalfAFrameStandsStillWhileThereIsNoMemoryToReadInto) {
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

TEST_F(RequestMemoryTest, HalfAFrameIsNotKeptForEverThoughMemoryNeverComes) {
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

// Room is made once a second, and the time of a whole request may be as short.
TEST_F(RequestMemoryTest, AShortDeadlineStandsStillForThreeSecondsWhileThereIsNoMemory) {
  make({}, seconds(1));
  const auto wire = connect();
  std::string bytes("\0\1\0\0", 4);
  bytes.resize(16 * 1024);
  give(*wire, std::string_view(bytes).substr(0, 10'000));
  shard_.budget()->take(kRequestMemory);
  give(*wire, std::string_view(bytes).substr(10'000));

  pass(std::chrono::milliseconds(3'900));
  EXPECT_FALSE(wire->is_closed);
  pass(std::chrono::milliseconds(200));
  EXPECT_TRUE(wire->is_closed);
  EXPECT_EQ(count(Limit::request_frame_timeout), 1U);
  shard_.budget()->give(kRequestMemory);
}

// A fetch may wait for minutes, and what its request was padded with is nobody's use.
TEST_F(RequestMemoryTest, ARequestThatWaitsAndWasLetGoKeepsNoMemory) {
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

TEST_F(RequestMemoryTest, WhatIsQueuedBehindRequestsThatWaitComesBackBeforeAnybodyIsClosed) {
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

TEST_F(RequestMemoryTest, AProduceWithoutMemoryStopsTheReadingAndGoesOnInOrder) {
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

TEST_F(RequestMemoryTest, UnfinishedRequestsThatKeepOthersWaitingGoLargestFirst) {
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
TEST_F(RequestMemoryTest, OneVictimIsEnoughForAllWhoWait) {
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

// What others gave back would go to the crowd a hundred times before the last one to come had its share.
TEST_F(RequestMemoryTest, WhoComesBehindACrowdOfAnotherAddressWaitsForOneOfIt) {
  shard_.budget()->take(kRequestMemory);
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.push_back(connect("crowd"));
    give(*crowd.back(), padded_request(60'000));
  }
  const auto other = connect("other");
  give(*other, padded_request(60'000));
  const int served_at_first = handler_.served;
  Signal never(env_.loop().executor());
  handler_.keeps_request_until = &never;

  // Enough for two of them.
  shard_.budget()->give(130'000);
  env_.loop().run_ready();

  EXPECT_EQ(served_at_first, 0);
  EXPECT_EQ(handler_.order.size(), 2U);
  EXPECT_EQ(std::ranges::count(handler_.order, "other", [](const Connection* one) { return one->peer().host; }), 1);
  handler_.keeps_request_until = nullptr;
  shard_.budget()->give(kRequestMemory - 130'000);
  for (std::size_t i = 0; i < handler_.order.size(); ++i) never.notify();
}

// A crowd has it all, in pieces that are small beside what one honest peer sends.
TEST_F(RequestMemoryTest, WhoseAddressHoldsMostMakesRoomThoughAnotherRequestIsLarger) {
  const auto honest = connect("honest");
  std::string large("\0\x3f\0\0", 4);
  large.resize(200'000);
  give(*honest, large);
  std::string half("\0\1\x86\xa0", 4);  // 100,000 are announced.
  half.resize(30'000);
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 40; ++i) {
    crowd.push_back(connect("crowd"));
    give(*crowd.back(), half);
  }

  pass(seconds(1));
  pass(seconds(1));

  EXPECT_FALSE(honest->is_closed);
  EXPECT_GE(std::ranges::count(crowd, true, [](const auto& wire) { return wire->is_closed; }), 1);
}

// Each of them waits for what another holds: a second more would change nothing.
TEST_F(RequestMemoryTest, WhereThoseWhoWaitHaveAllOfItSomebodyMakesRoomAtOnce) {
  std::string half("\0\x3f\0\0", 4);
  half.resize(500'000);
  const auto first = connect();
  give(*first, half);
  const auto second = connect();
  give(*second, half);
  give(*first, half);
  ASSERT_GT(second->to_read.size(), 0U);
  ASSERT_GT(first->to_read.size(), 0U);
  ASSERT_FALSE(first->is_closed || second->is_closed);

  pass(std::chrono::milliseconds(100));

  EXPECT_TRUE(first->is_closed != second->is_closed);
}

TEST_F(RequestMemoryTest, WhereOthersWillGiveItBackNobodyIsClosedBeforeASecondIsOver) {
  std::string half("\0\x3f\0\0", 4);
  half.resize(600'000);
  const auto hoarder = connect();
  give(*hoarder, half);
  shard_.budget()->take(300'000);
  give(*hoarder, std::string(200'000, 'x'));

  pass(std::chrono::milliseconds(900));
  const bool was_closed_before = hoarder->is_closed;
  pass(std::chrono::milliseconds(200));

  EXPECT_FALSE(was_closed_before);
  EXPECT_TRUE(hoarder->is_closed);
  EXPECT_EQ(count(Limit::queued_max_request_bytes), 2U) << "it was told that it waits, and closed";
  shard_.budget()->give(300'000);
}

// What they held is enough for those who wait, as far as anybody knows so early.
TEST_F(RequestMemoryTest, OnceASecondThoseMakeRoomWhoHoldAQuarterOfAllMemory) {
  std::string half("\0\x3f\0\0", 4);
  half.resize(60'000);
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 12; ++i) {
    crowd.push_back(connect());
    give(*crowd.back(), half);
  }
  const auto closed = [&crowd] { return std::ranges::count(crowd, true, [](const auto& wire) { return wire->is_closed; }); };
  BudgetShare served;
  served.resize(shard_.budget(), kRequestMemory - shard_.budget()->used_bytes());
  const auto other = connect();
  give(*other, padded_request(200'000));

  pass(std::chrono::milliseconds(1'100));
  const auto first = closed();
  shard_.budget()->take(kRequestMemory / 4);  // Others had it sooner.
  pass(std::chrono::milliseconds(800));
  const auto meanwhile = closed();
  pass(std::chrono::milliseconds(300));
  const auto second = closed();

  EXPECT_EQ(first, 4) << "each holds a block of 64 KiB";
  EXPECT_EQ(meanwhile, first);
  EXPECT_EQ(second, 2 * first);
  shard_.budget()->give(kRequestMemory / 4);
}

// A large request waits again and again while it grows, and each time is a part of one wait.
TEST_F(RequestMemoryTest, TheSecondOfWaitingIsOfAWholeRequest) {
  std::string large("\0\x3f\0\0", 4);
  large.resize(700'000);
  const auto hoarder = connect("hoarder");
  give(*hoarder, large);
  shard_.budget()->take(kRequestMemory - shard_.budget()->used_bytes());
  const auto honest = connect("honest");
  give(*honest, padded_request(200'000));

  pass(std::chrono::milliseconds(600));
  const std::size_t left = honest->to_read.size();
  shard_.budget()->give(300'000);
  env_.loop().run_ready();
  const std::size_t left_later = honest->to_read.size();
  const bool was_closed_before = hoarder->is_closed;
  pass(std::chrono::milliseconds(500));

  EXPECT_LT(left_later, left) << "it went on a little";
  EXPECT_FALSE(was_closed_before);
  EXPECT_TRUE(hoarder->is_closed);
}

TEST_F(RequestMemoryTest, SmallRequestsAreReadWhileLargeOnesHaveTheMemory) {
  std::string half("\0\x3f\0\0", 4);
  half.resize(300'000);
  const auto hoarder = connect();
  give(*hoarder, half);
  const auto small = connect();

  give(*small, request());

  EXPECT_EQ(small->written.size(), 10U);
}

// A crowd that sends the beginning of a request each. Were a whole block kept for each, 64 of them would have all of the memory.
TEST_F(RequestMemoryTest, ManyBeginningsOfRequestsKeepOnlyTheirBytes) {
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
TEST_F(RequestMemoryTest, SmallRequestsAreReadThoughNothingIsLeftOfTheMemory) {
  shard_.budget()->take(kRequestMemory);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < 1000; ++i) all += request();

  give(*wire, all);

  EXPECT_EQ(handler_.served, 1000);
  EXPECT_EQ(shard_.budget()->used_bytes(), kRequestMemory);
  shard_.budget()->give(kRequestMemory);
}

TEST_F(RequestMemoryTest, ProducesThatWaitKeepOneKilobyteOfThatAndNoMore) {
  shard_.budget()->take(kRequestMemory);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < 90; ++i) all += produce_request();

  give(*wire, all);

  EXPECT_GE(wire->to_read.size(), 90 * produce_request().size() - 1024) << "more than a kilobyte was read";
  shard_.budget()->give(kRequestMemory);
}

// Each of a crowd has sent the beginning of a request. Were all of the memory spent on beginnings, nobody's rest could be read.
TEST_F(RequestMemoryTest, ACrowdWithModerateRequestsIsServedWithoutAWait) {
  const std::string whole = padded_request(60'000);
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

// The same over a network that cuts where it likes: the end of a request needs no more room than it has bytes.
TEST_F(RequestMemoryTest, ACrowdWhoseRequestsComeInPiecesIsServedWithoutAWait) {
  const std::string whole = padded_request(65'532);
  std::vector<std::shared_ptr<FakeWire>> crowd;
  for (int i = 0; i < 400; ++i) crowd.push_back(connect());

  for (const auto& wire : crowd) give(*wire, whole.substr(0, 5'000));
  for (const auto& wire : crowd) give(*wire, whole.substr(5'000, 58'000));
  for (const auto& wire : crowd) give(*wire, whole.substr(63'000));

  EXPECT_EQ(handler_.served, 400);
  EXPECT_EQ(std::ranges::count(crowd, true, [](const auto& wire) { return wire->is_closed; }), 0);
  EXPECT_EQ(shard_.budget()->used_bytes(), 0U);
}

// The first block is full, and there is no memory for a second one: its reader never came to wait for more bytes.
TEST_F(RequestMemoryTest, ARequestThatWaitsForMemoryHasADeadlineToo) {
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

TEST_F(RequestMemoryTest, ABusyReaderGoesOnInSmallPiecesWhenThereIsNoMemoryForLargeOnes) {
  constexpr int kRequests = 10'000;
  shard_.budget()->take(900'000);
  const auto wire = connect();
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += request();

  give(*wire, all);

  EXPECT_EQ(handler_.served, kRequests);
  shard_.budget()->give(900'000);
}

TEST_F(RequestMemoryTest, OneLargeRequestMayHaveMoreThanAllMemoryWhenNobodyElseNeedsIt) {
  const auto wire = connect();

  give(*wire, padded_request(2 * kRequestMemory));

  EXPECT_EQ(handler_.served, 1);
}

}  // namespace
}  // namespace tidelog::broker
