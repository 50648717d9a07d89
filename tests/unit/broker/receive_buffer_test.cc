#include "broker/net/receive_buffer.h"

#include "proto/base/endian.h"
#include "tests/support/manual_loop.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::size_t kLimit = 1 << 20;

std::string frame(std::size_t size, char fill) {
  std::string bytes(4 + size, fill);
  store_be(reinterpret_cast<std::byte*>(bytes.data()), static_cast<std::int32_t>(size));
  return bytes;
}

std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

struct Feeder {
  std::shared_ptr<Budget> budget = std::make_shared<Budget>(std::size_t{64} << 20);
  ReceiveBuffer buffer{kLimit};

  /// Hands over up to `chunk` bytes as one read; returns how many.
  std::size_t feed(std::string_view bytes, std::size_t chunk) {
    if (const std::size_t needed = buffer.block_needed(); needed > 0) {
      EXPECT_TRUE(budget->try_take(needed));
      buffer.use_block(needed, budget);
    }
    const MutableBytes room = buffer.writable();
    const std::size_t n = std::min({bytes.size(), chunk, room.size()});
    EXPECT_GT(n, 0U);
    std::memcpy(room.data(), bytes.data(), n);
    buffer.received(n);
    return n;
  }
};

TEST(ReceiveBuffer, GivesTheSameFramesForEveryChunking) {
  std::string stream;
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    expected.push_back(std::string(static_cast<std::size_t>(i * i * 37), static_cast<char>('a' + i % 26)));
    stream += frame(expected.back().size(), static_cast<char>('a' + i % 26));
  }
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same chunks each run.

  for (const std::size_t largest : {1U, 3U, 100U, 5000U, 1U << 20U}) {
    Feeder feeder;
    std::vector<std::string> got;
    std::vector<ReceiveBuffer::Frame> held;  // As if requests were still under way.
    for (std::string_view rest = stream; !rest.empty();) {
      rest.remove_prefix(feeder.feed(rest, 1 + random() % largest));
      while (Result<ReceiveBuffer::Frame> next = feeder.buffer.next_frame()) held.push_back(*next);
    }
    for (const auto& one : held) got.push_back(text(one.bytes));
    EXPECT_EQ(got, expected) << "chunks up to " << largest;
  }
}

TEST(ReceiveBuffer, RefusesNegativeAndOversizedLengthsAtOnce) {
  for (const auto& [length, error] : {std::pair{-1, Errc::corrupt}, {std::numeric_limits<std::int32_t>::max(), Errc::too_large}}) {
    Feeder feeder;
    std::string bytes(4, '\0');
    store_be(reinterpret_cast<std::byte*>(bytes.data()), static_cast<std::int32_t>(length));

    feeder.feed(bytes, 4);
    const Result<ReceiveBuffer::Frame> next = feeder.buffer.next_frame();

    ASSERT_FALSE(next);
    EXPECT_EQ(next.error(), error);
  }
}

// R19: twenty peers that announce 100 MB and send six bytes must cost twenty small blocks, not two gigabytes.
TEST(RuleR19, MemoryFollowsBytesReceivedNotTheAnnouncedLength) {
  Feeder feeder;
  std::string bytes = frame(kLimit, 'x');
  std::string_view rest = bytes;

  rest.remove_prefix(feeder.feed(rest, 6));
  const std::size_t after_six_bytes = feeder.budget->used_bytes();
  std::size_t worst = 0;
  std::size_t received = 6;
  while (!rest.empty()) {
    const std::size_t n = feeder.feed(rest, 1000);
    received += n;
    rest.remove_prefix(n);
    worst = std::max(worst, feeder.budget->used_bytes() * 100 / (received + 32 * 1024));
  }

  EXPECT_LE(after_six_bytes, 32U * 1024);
  EXPECT_LE(worst, 500U) << "memory is more than five times what was received";
  EXPECT_TRUE(feeder.buffer.next_frame());
}

// What its reader does while memory is scarce: gets along with the least, and asks for more when a byte came.
TEST(ReceiveBuffer, IsNotMovedForEachByteThatTricklesInWhileMemoryIsScarce) {
  Feeder feeder;
  const std::string bytes = frame(kLimit, 'x');
  std::string_view rest = bytes;
  while (rest.size() > kLimit / 2) rest.remove_prefix(feeder.feed(rest, 100'000));
  int moves = 0;
  const auto move_to = [&](std::size_t block) {
    if (block == 0) return;
    ++moves;
    feeder.budget->take(block);
    feeder.buffer.use_block(block, feeder.budget);
  };

  for (int i = 0; i < 1000; ++i) {
    move_to(feeder.buffer.least_block());
    move_to(feeder.buffer.block_needed(true));
    rest.remove_prefix(feeder.feed(rest, 1));
  }

  EXPECT_LE(moves, 4);
  EXPECT_LE(feeder.budget->used_bytes(), 2 * (kLimit - rest.size())) << "no more than twice what came";
}

TEST(ReceiveBuffer, HoldsNoMemoryWhenIdle) {
  Feeder feeder;
  const std::string bytes = frame(100, 'x');

  feeder.feed(bytes, bytes.size());
  {
    const auto next = feeder.buffer.next_frame();
    ASSERT_TRUE(next);
  }
  feeder.buffer.release_if_empty();

  EXPECT_EQ(feeder.budget->used_bytes(), 0U);
}

/// The block that one read would get now, with what was received handled.
std::size_t next_block(Feeder& feeder) {
  while (feeder.buffer.next_frame()) {
  }
  feeder.buffer.release_if_empty();
  return feeder.buffer.block_needed();
}

TEST(ReceiveBuffer, StaysReadyForLargeReadsBetweenBurstsOfABusyConnection) {
  Feeder feeder;
  const std::string bytes = frame(2000, 'x');
  std::string burst;
  for (int i = 0; i < 150; ++i) burst += bytes;

  for (std::string_view rest = burst; !rest.empty();) rest.remove_prefix(feeder.feed(rest, rest.size()));
  const std::size_t after_first = next_block(feeder);
  const std::size_t taken = feeder.feed(burst, burst.size());

  EXPECT_GT(after_first, burst.size());
  EXPECT_EQ(taken, burst.size());
}

TEST(ReceiveBuffer, GoesBackToSmallBlocksWhenLittleComes) {
  Feeder feeder;
  const std::string quiet = frame(100, 'x');
  feeder.feed(quiet, quiet.size());
  const std::size_t at_first = next_block(feeder);
  const std::string burst = frame(400'000, 'x');
  for (std::string_view rest = burst; !rest.empty();) rest.remove_prefix(feeder.feed(rest, rest.size()));
  const std::size_t when_busy = next_block(feeder);

  for (int i = 0; i < 12; ++i) {
    feeder.feed(quiet, quiet.size());
    next_block(feeder);
  }

  EXPECT_GT(when_busy, at_first);
  EXPECT_EQ(next_block(feeder), at_first);
}

/// With a piece of the next frame always there, so that the block is never empty.
TEST(ReceiveBuffer, KeepsHalfOfALargeBlockForReadsWhileFramesComeInPieces) {
  Feeder feeder;
  std::string stream;
  for (int i = 0; i < 200; ++i) stream += frame(60'000, 'x');
  std::size_t smallest = SIZE_MAX;
  std::size_t frames = 0;

  for (std::string_view rest = stream; !rest.empty();) {
    const std::size_t taken = feeder.feed(rest, 100'000);
    if (frames > 20 && rest.size() > 100'000) smallest = std::min(smallest, taken);
    rest.remove_prefix(taken);
    while (feeder.buffer.next_frame()) ++frames;
  }

  EXPECT_EQ(frames, 200U);
  EXPECT_EQ(smallest, 100'000U);
}

}  // namespace
}  // namespace tidelog::broker
