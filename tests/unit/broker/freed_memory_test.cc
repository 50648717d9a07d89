#include "broker/env/freed_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::size_t kBlockBytes = 16 * 1024;
constexpr std::size_t kBlocks = 4096;  // 64 MiB of them

/// What is left of a crowd: every eighth block lives on, so that nothing goes back by itself.
std::vector<std::unique_ptr<char[]>> leave_holes() {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) blocks.push_back(std::make_unique<char[]>(kBlockBytes));
  for (std::size_t i = 0; i < kBlocks; ++i) {
    if (i % 8 != 0) blocks[i].reset();
  }
  return blocks;
}

#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

TEST(FreedMemory, GoesBackWhileTheProcessIsLarge) {
  const auto blocks = leave_holes();
  const std::size_t before = resident_bytes();
  FreedMemory freed(1);

  const bool looked = freed.look();

  EXPECT_TRUE(looked);
  EXPECT_LT(resident_bytes() + kBlocks * kBlockBytes / 2, before);
}

TEST(FreedMemory, IsKeptWhileTheProcessIsSmall) {
  const auto blocks = leave_holes();
  const std::size_t before = resident_bytes();
  FreedMemory freed(2 * before);

  EXPECT_FALSE(freed.look());
  EXPECT_GT(resident_bytes() + kBlocks * kBlockBytes / 2, before);
}

TEST(FreedMemory, IsNotLookedForAgainBeforeTheProcessHasGrown) {
  FreedMemory freed(resident_bytes() / 2);
  const bool first = freed.look();

  EXPECT_TRUE(first);
  EXPECT_FALSE(freed.look());
  std::vector<char> more(resident_bytes() / 2, 'm');
  EXPECT_TRUE(freed.look());
}

#endif

}  // namespace
}  // namespace tidelog::broker
