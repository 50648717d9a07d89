#include "broker/group/classic_group.h"

#include "proto/codec/consumer_protocol.h"
#include "tests/unit/broker/group/classic_world.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

// What the scripts cannot show: great numbers, limits, and what a disk makes up.

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

JoinCall newcomer(Ticket ticket, const std::string& id) {
  JoinCall call;
  call.ticket = ticket;
  call.fresh_member_id = id;
  call.session_timeout = 10s;
  call.rebalance_timeout = 60s;
  call.protocol_type = "consumer";
  call.protocols = {{.name = "range", .metadata = {}}};
  return call;
}

JoinCall again(Ticket ticket, const std::string& id) {
  JoinCall call = newcomer(ticket, "");
  call.member_id = id;
  return call;
}

SyncCall sync_of(Ticket ticket, const std::string& id, std::int32_t generation) {
  SyncCall call;
  call.ticket = ticket;
  call.member_id = id;
  call.generation = generation;
  return call;
}

TEST(ClassicGroupOfThousands, ComesTogetherAndShrinks) {
  constexpr Ticket kMembers = 10000;
  const auto id = [](Ticket number) { return "m" + std::to_string(number); };
  ClassicWorld world;
  Step step = world.step();
  for (Ticket i = 0; i < kMembers; ++i) EXPECT_FALSE(world.group->join(newcomer(i, id(i)), step));
  while (world.group->state() == ClassicState::preparing_rebalance) world.advance(world.now + 1h);
  EXPECT_EQ(std::exchange(world.late, {}).size(), kMembers);

  Step then = world.step();
  for (Ticket i = kMembers; --i > 0;) EXPECT_FALSE(world.group->sync(sync_of(kMembers + i, id(i), 1), then));
  EXPECT_EQ(world.group->sync(sync_of(kMembers, id(0), 1), then)->error, ErrorCode::none);
  EXPECT_EQ(std::exchange(world.late, {}).size(), kMembers - 1);
  EXPECT_EQ(world.group->state(), ClassicState::stable);

  // Half of them fall silent.
  world.now += 5s;
  Step later = world.step();
  for (Ticket i = 0; i < kMembers; i += 2)
    EXPECT_EQ(world.group->heartbeat({.group = "g", .generation = 1, .member_id = id(i), .instance_id = {}}, later), ErrorCode::none);
  world.now += 5s;
  world.tick();
  EXPECT_EQ(world.group->describe().members.size(), kMembers / 2);
  Step last = world.step();
  for (Ticket i = 0; i < kMembers; i += 2) static_cast<void>(world.group->join(again(2 * kMembers + i, id(i)), last));
  EXPECT_EQ(world.group->state(), ClassicState::completing_rebalance);
  EXPECT_EQ(world.group->generation(), 2);
}

TEST(ClassicGroupTimers, HeartbeatsMoveNoTimer) {
  ClassicWorld world;
  world.settings.initial_rebalance_delay = 0ms;
  Step step = world.step();
  static_cast<void>(world.group->join(newcomer(1, "a"), step));
  static_cast<void>(world.group->sync(sync_of(2, "a", 1), step));
  const std::optional<Moment> first = world.group->wake_at();

  int wakes = 0;
  for (int i = 0; i < 1000; ++i) {
    world.now += 100ms;
    Step one = world.step();
    ASSERT_EQ(world.group->heartbeat({.group = "g", .generation = 1, .member_id = "a", .instance_id = {}}, one), ErrorCode::none);
    if (*world.group->wake_at() > world.now) continue;
    ++wakes;
    world.tick();
  }

  EXPECT_EQ(first, 10s);
  EXPECT_LE(wakes, 11);  // once in a session, however many heartbeats there were
  EXPECT_EQ(world.group->state(), ClassicState::stable);
}

TEST(ClassicGroupBounds, ForgetTheNameThatWaitsLongest) {
  ClassicWorld world;
  for (std::size_t i = 0; i <= PendingMembers::kMost; ++i) {
    JoinCall call = newcomer(i, "m" + std::to_string(i));
    call.must_know_its_id = true;
    world.now += 1us;
    Step step = world.step();
    ASSERT_EQ(world.group->join(call, step)->error, ErrorCode::member_id_required);
  }

  Step step = world.step();
  EXPECT_EQ(world.group->join(again(1, "m0"), step)->error, ErrorCode::unknown_member_id);
  EXPECT_FALSE(world.group->join(again(2, "m1"), step));
}

TEST(ClassicGroupBounds, KeepAShortHistoryOfShortEvents) {
  ClassicWorld world;
  for (int i = 0; i < 100; ++i) {
    Step step = world.step();
    JoinCall call = newcomer(static_cast<Ticket>(i), "m" + std::to_string(i));
    call.reason = std::string(79, 'x') + "\u00e4\u001b[2J" + std::string(100000, 'y');
    static_cast<void>(world.group->join(call, step));
    static_cast<void>(
        world.group->leave({.group = "g", .members = {{.id = call.fresh_member_id, .instance_id = {}, .reason = "\x1b[2J"}}}, step));
    world.advance(world.now + 1h);
  }

  EXPECT_EQ(world.group->history().events().size(), GroupHistory::kMostEvents);
  for (const GroupHistory::Event& event : world.group->history().events()) {
    EXPECT_LE(event.what.size(), GroupHistory::kMostBytes);
    EXPECT_EQ(event.what.find('\x1b'), std::string::npos);
    EXPECT_EQ(event.what.find("\xc3..."), std::string::npos);  // half a letter
  }
}

TEST(ClassicGroupReplay, TakesWhatADiskMakesUp) {
  const ClassicGroupRecord::Member one{.id = "a",
                                       .instance_id = "i",
                                       .client_id = {},
                                       .client_host = {},
                                       .rebalance_timeout_ms = -1,
                                       .session_timeout_ms = -5,
                                       .subscription = {},
                                       .assignment = {}};
  ClassicGroupRecord::Member twin = one;
  twin.id = "b";
  ClassicWorld world;

  world.group->replay({.protocol_type = "consumer",
                       .generation = std::numeric_limits<std::int32_t>::max(),
                       .protocol = {},
                       .leader = "nobody",
                       .state_since = {},
                       .members = {one, one, twin}});
  Step step = world.step();
  world.group->loaded(step);

  ASSERT_EQ(world.group->describe().members.size(), 1U);
  EXPECT_EQ(world.group->stored().leader, "a");
  world.tick();  // a session of less than nothing
  EXPECT_EQ(world.group->state(), ClassicState::empty);
  EXPECT_EQ(world.group->generation(), 1);
}

TEST(ClassicGroupReplay, OldGenerationsBelowNothingBeginAtNothing) {
  ClassicWorld world;

  world.group->replay({.protocol_type = {}, .generation = -7, .protocol = {}, .leader = {}, .state_since = {5}, .members = {}});

  EXPECT_EQ(world.group->generation(), 0);
  EXPECT_EQ(world.group->empty_since(), TimestampMs{5});
}

TEST(ClassicGroupSubscriptions, AreThoseOfAllMembers) {
  ClassicWorld world;
  Step step = world.step();
  for (const char* const topic : {"apples", "pears"}) {
    JoinCall call = newcomer(static_cast<Ticket>(topic[0]), topic);
    const proto::ConsumerSubscription subscription{.topics = {topic}, .user_data = {}, .owned = {}, .rack_id = {}};
    call.protocols = {{.name = "range", .metadata = proto::encode_subscription(subscription)}};
    static_cast<void>(world.group->join(call, step));
  }
  while (world.group->state() == ClassicState::preparing_rebalance) world.advance(world.now + 1h);

  EXPECT_TRUE(world.group->subscribes_to("apples"));
  EXPECT_TRUE(world.group->subscribes_to("pears"));
  EXPECT_FALSE(world.group->subscribes_to("nuts"));
}

}  // namespace
}  // namespace tidelog::broker
