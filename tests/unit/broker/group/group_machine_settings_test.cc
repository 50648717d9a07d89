// What was set for one group holds for that one, from its next heartbeat on.
#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

class OwnSettings final : public SettingsView {
 public:
  [[nodiscard]] const GroupSettings& of(std::string_view group) const override {
    const auto own = groups.find(group);
    return own == groups.end() ? for_all : own->second;
  }

  GroupSettings for_all;
  std::map<std::string, GroupSettings, std::less<>> groups;
};

struct World : MachineWorld {
  World() {
    own_settings = &own;
    topics.create("t", 2);
  }
  /// Members of that group, by their number.
  std::size_t members(const std::string& group) { return machine->describe_consumer(group)->members.size(); }

  OwnSettings own;
};

TEST(SettingsOfOneGroup, HoldForItsFirstMember) {
  World world;
  world.own.groups["own"].consumer_heartbeat_interval = 7s;

  EXPECT_EQ(world.join_consumer_group("own", "a", {"t"}).heartbeat_interval_ms, 7000);
  EXPECT_EQ(world.join_consumer_group("other", "a", {"t"}).heartbeat_interval_ms, 5000);
}

TEST(SettingsOfOneGroup, ReachAMemberWithItsNextHeartbeat) {
  World world;
  const std::int32_t epoch = world.join_consumer_group("g", "a", {"t"}).member_epoch;
  world.join_consumer_group("other", "a", {"t"});

  world.own.groups["g"].consumer_heartbeat_interval = 6s;
  world.own.groups["g"].consumer_session_timeout = 60s;
  world.now = 44s;
  EXPECT_EQ(world.beat(MachineWorld::beat_call("g", "a", epoch)).heartbeat_interval_ms, 6000);
  EXPECT_EQ(world.beat(MachineWorld::beat_call("other", "a", epoch)).heartbeat_interval_ms, 5000);

  world.now = 44s + 59s;
  world.tick();
  EXPECT_EQ(world.members("g"), 1U);
  EXPECT_EQ(world.members("other"), 0U);
  world.now = 44s + 60s;
  world.tick();
  EXPECT_EQ(world.members("g"), 0U);
}

TEST(SettingsOfOneGroup, HoldAfterAnotherCoordinatorTookOver) {
  World world;
  world.join_consumer_group("g", "a", {"t"});
  world.own.groups["g"].consumer_session_timeout = 60s;

  world.restart();
  world.now = 59s;
  world.tick();
  EXPECT_EQ(world.members("g"), 1U);
  world.now = 60s;
  world.tick();
  EXPECT_EQ(world.members("g"), 0U);
}

TEST(SettingsOfOneGroup, SayHowOftenItIsAssignedAnew) {
  World world;
  world.own.for_all.consumer_assignment_interval = 1s;
  world.own.groups["own"].consumer_assignment_interval = 0ms;
  for (const std::string group : {"own", "other"}) {
    world.join_consumer_group(group, "a", {"t"});
    world.join_consumer_group(group, "b", {"t"});
  }

  EXPECT_EQ(world.machine->describe_consumer("own")->assignment_epoch, 3);
  EXPECT_EQ(world.machine->describe_consumer("other")->assignment_epoch, 2);
}

}  // namespace
}  // namespace tidelog::broker
