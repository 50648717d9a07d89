#include "broker/log_dir.h"

#include "tests/sim/disk.h"

#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

constexpr PowerLoss kLosesAll{.keep_per_mille = 0, .tear_per_mille = 0};
constexpr NodeId kNode{1};
const std::string kPath = "/srv/data";

TEST(LogDirOpen, MakesNamesDurableThatADeadProcessLeftBehind) {
  World world(1);
  SimDisk disk(world, world.dice("disk"));
  ASSERT_TRUE(disk.make_directory(kPath));
  disk.crash(CrashKind::process_kill, kLosesAll);

  ASSERT_TRUE(broker::LogDir::open(disk, kPath, kNode, 0));
  disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_TRUE(disk.stat(kPath));
}

TEST(LogDirOpen, KeepsWhoItBelongsToThoughTheProcessThatWroteItDied) {
  World world(1);
  SimDisk disk(world, world.dice("disk"));
  auto dir = broker::LogDir::open(disk, kPath, kNode, 0);
  ASSERT_TRUE(dir);
  disk.stop_after(5, [] {});  // The file beside it is made, written, synced and renamed; the folder is not synced.
  static_cast<void>((*dir)->claim("cluster", "directory").has_value());
  ASSERT_TRUE(disk.is_stopped());
  dir->reset();
  disk.crash(CrashKind::process_kill, kLosesAll);

  ASSERT_EQ((*broker::LogDir::open(disk, kPath, kNode, 0))->identity().cluster_id, "cluster");
  disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_EQ((*broker::LogDir::open(disk, kPath, kNode, 0))->identity().cluster_id, "cluster");
}

}  // namespace
}  // namespace tidelog::sim
