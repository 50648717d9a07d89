#include "client/net/frame_reader.h"

#include "proto/base/endian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tidelog::core {
namespace {

std::string frame_of(std::string_view content) {
  std::string frame(4, '\0');
  store_be(reinterpret_cast<std::byte*>(frame.data()), static_cast<std::int32_t>(content.size()));
  return frame.append(content);
}

/// Feeds `bytes` in pieces of at most `piece` bytes and returns the frames that come out.
std::vector<std::string> cut(FrameReader& reader, std::string_view bytes, std::size_t piece) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    const MutableBytes room = reader.room();
    const std::size_t count = std::min({piece, room.size(), bytes.size()});
    std::memcpy(room.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    EXPECT_TRUE(reader.received(count));
    while (const Frame frame = reader.next()) frames.emplace_back(reinterpret_cast<const char*>(frame->data()), frame->size());
  }
  return frames;
}

TEST(FrameReader, GivesTheSameFramesHoweverTheBytesCome) {
  const std::vector<std::string> contents{"", "a", std::string(100, 'b'), std::string(300'000, 'c'), "d"};
  std::string stream;
  for (const std::string& content : contents) stream += frame_of(content);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{5000}, stream.size()}) {
    FrameReader reader(1 << 20);
    EXPECT_EQ(cut(reader, stream, piece), contents) << piece;
  }
}

TEST(FrameReader, RefusesAFrameAboveTheLimitAtItsLength) {
  FrameReader reader(10);
  const std::string head = frame_of(std::string(11, 'x')).substr(0, 4);
  std::memcpy(reader.room().data(), head.data(), 4);
  const Result<void> taken = reader.received(4);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), Errc::too_large);
}

TEST(FrameReader, RefusesANegativeLength) {
  FrameReader reader(10);
  std::fill_n(reader.room().data(), 4, std::byte{0xff});
  EXPECT_FALSE(reader.received(4));
}

TEST(FrameReader, TakesNoMemoryForBytesThatDidNotCome) {
  FrameReader reader(100 << 20);
  const std::string head = std::string("\x06\x00\x00\x00", 4);  // 96 MiB announced.
  std::memcpy(reader.room().data(), head.data(), 4);
  ASSERT_TRUE(reader.received(4));
  EXPECT_LE(reader.room().size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace tidelog::core
