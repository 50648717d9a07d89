#include "broker/reserve.h"

#include "tests/sim/disk.h"

#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

using broker::Reserve;

constexpr std::uint64_t kSize = 64 * 1024;
const std::string kPath = "/srv/data";

class ReserveTest : public testing::Test {
 protected:
  ReserveTest() { EXPECT_TRUE(disk_.make_directory(kPath)); }

  /// How many bytes can be written to a new file before the disk is full.
  std::uint64_t writable(const std::string& name) {
    auto file = disk_.open(kPath + "/" + name, storage::OpenMode::create);
    std::uint64_t at = (*file)->size().value_or(0);
    const std::vector<std::byte> block(1024);
    const std::array<Bytes, 1> parts{Bytes(block)};
    std::uint64_t written = 0;
    for (; (*file)->write_at(at, parts); at += block.size()) written += block.size();
    EXPECT_TRUE((*file)->truncate(at));
    return written;
  }

  World world_{1};
  SimDisk disk_{world_, world_.dice("disk")};
};

TEST_F(ReserveTest, GivesAFullDiskRoomPartByPart) {
  disk_.faults.capacity_bytes = 4 * kSize;
  Reserve reserve(disk_, kPath, kSize);
  ASSERT_TRUE(reserve.restore());
  EXPECT_TRUE(reserve.is_whole());
  EXPECT_EQ(writable("a"), 3 * kSize);
  EXPECT_EQ(writable("a"), 0U);

  ASSERT_TRUE(reserve.release(Reserve::Use::going_on));
  EXPECT_FALSE(reserve.is_whole());
  EXPECT_EQ(writable("a"), kSize / 4);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(reserve.release(Reserve::Use::going_on));
  EXPECT_FALSE(reserve.release(Reserve::Use::going_on)) << "the last part is for what makes room";
  EXPECT_TRUE(reserve.release(Reserve::Use::making_room));
  EXPECT_FALSE(reserve.release(Reserve::Use::making_room)) << "there is no more";
  EXPECT_EQ(writable("a"), 3 * kSize / 4);
}

TEST_F(ReserveTest, KnowsAfterARestartWhatIsLeft) {
  Reserve before(disk_, kPath, kSize);
  ASSERT_TRUE(before.restore());
  ASSERT_TRUE(before.release(Reserve::Use::going_on));

  Reserve after(disk_, kPath, kSize);
  EXPECT_EQ(after.held_bytes(), 3 * kSize / 4);
  EXPECT_FALSE(after.is_whole());
  EXPECT_TRUE(after.restore());
  EXPECT_TRUE(after.is_whole());
}

TEST_F(ReserveTest, TakesNotTheLastBytes) {
  disk_.faults.capacity_bytes = 2 * kSize - 1;
  Reserve reserve(disk_, kPath, kSize);
  EXPECT_FALSE(reserve.restore());
  EXPECT_FALSE(reserve.release(Reserve::Use::making_room));
  EXPECT_GE(writable("a"), 2 * kSize - 1024);
}

TEST_F(ReserveTest, GivesBackWhatALargerOneHeld) {
  ASSERT_TRUE(Reserve(disk_, kPath, 2 * kSize).restore());
  Reserve reserve(disk_, kPath, kSize);
  EXPECT_FALSE(disk_.stat(kPath + "/reserve"));
  EXPECT_TRUE(reserve.restore());
}

TEST_F(ReserveTest, OfNoBytesIsNever) {
  Reserve reserve(disk_, kPath, 0);
  EXPECT_TRUE(reserve.is_whole());
  EXPECT_FALSE(reserve.restore());
  EXPECT_FALSE(reserve.release(Reserve::Use::making_room));
  EXPECT_FALSE(disk_.stat(kPath + "/reserve"));
}

}  // namespace
}  // namespace tidelog::sim
