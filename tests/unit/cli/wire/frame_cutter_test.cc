#include "cli/wire/frame_cutter.h"

#include "tests/unit/cli/wire/printed.h"

#include <gtest/gtest.h>

namespace tidelog::cli::test {
namespace {

using proto::test::as_bytes;
using proto::test::from_hex;
using proto::test::to_hex;

struct Seen {
  std::uint64_t offset;
  std::uint64_t size_bytes;
  std::string kept;
  bool operator==(const Seen&) const = default;
};

/// A cutter and what it handed out.
struct Bench {
  KeptBytes kept;
  FrameCutter cutter{kept};
  std::vector<Seen> seen;

  FrameCutter::Each each() {
    return [this](const CutFrame& frame) { seen.push_back({frame.offset, frame.size_bytes, to_hex(frame.kept)}); };
  }
  bool feed(std::string_view hex) { return cutter.feed(from_hex(hex), each()); }
};

const std::vector<Seen> kTwoFrames{{0, 3, "aabbcc"}, {7, 0, ""}, {11, 2, "ddee"}};
constexpr std::string_view kStream = "00000003aabbcc0000000000000002ddee";

TEST(FrameCutter, CutsWhatComesInOnePiece) {
  Bench bench;
  EXPECT_TRUE(bench.feed(kStream));
  EXPECT_EQ(bench.seen, kTwoFrames);
  EXPECT_TRUE(bench.cutter.is_between_frames());
}

TEST(FrameCutter, CutsTheSameOutOfSingleBytes) {
  Bench bench;
  const std::size_t before = bench.kept.left;
  for (std::size_t at = 0; at < kStream.size(); at += 2) EXPECT_TRUE(bench.feed(kStream.substr(at, 2)));
  EXPECT_EQ(bench.seen, kTwoFrames);
  EXPECT_EQ(bench.kept.left, before);
}

TEST(FrameCutter, StopsAtALengthThatIsNone) {
  Bench negative;
  EXPECT_FALSE(negative.feed("fffffffb"));
  EXPECT_EQ(negative.cutter.bad_length(), -5);
  Bench tls;
  EXPECT_FALSE(tls.feed("16030100"));
}

TEST(FrameCutter, KeepsNoMoreThanItMayAndFindsTheNextFrame) {
  Bench bench;
  bench.kept.left = 4;

  EXPECT_TRUE(bench.feed("0000000a0102"));
  EXPECT_TRUE(bench.feed("03040506"));
  EXPECT_TRUE(bench.feed("0708090a00000001ff"));

  EXPECT_EQ(bench.seen, (std::vector<Seen>{{0, 10, "01020304"}, {14, 1, "ff"}}));
  EXPECT_EQ(bench.kept.left, 4U);
}

TEST(FrameCutter, KeepsNothingBehindAGap) {
  Bench bench;
  bench.kept.left = 1;

  EXPECT_TRUE(bench.feed("000000040102"));
  bench.kept.left = 100;  // Another stream gave memory back.
  EXPECT_TRUE(bench.feed("0304"));

  EXPECT_EQ(bench.seen, (std::vector<Seen>{{0, 4, "01"}}));
}

TEST(FrameCutter, AnAnnouncedFrameTakesNoMemory) {
  Bench bench;
  const std::size_t before = bench.kept.left;
  EXPECT_TRUE(bench.feed("0fffffff01"));
  EXPECT_EQ(bench.kept.left, before - 1);
}

TEST(FrameCutter, TheEndHandsOutWhatHasBegun) {
  Bench bench;
  bench.feed("00000003aa");
  EXPECT_TRUE(bench.cutter.finish(bench.each()));
  EXPECT_EQ(bench.seen, (std::vector<Seen>{{0, 3, "aa"}}));
  Bench half;
  half.feed("0000");
  EXPECT_FALSE(half.cutter.finish(half.each()));
  EXPECT_TRUE(half.seen.empty());
}

}  // namespace
}  // namespace tidelog::cli::test
