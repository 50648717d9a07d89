#include "cli/wire/tcp_stream.h"

#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

using proto::test::as_bytes;

/// What came out of a stream: text, and a number in brackets for what was lost.
class Heard : public StreamReader {
 public:
  void bytes(Bytes bytes) override { text += proto::test::as_text(bytes); }
  void lost(std::uint64_t count) override { text += "[" + std::to_string(count) + "]"; }
  std::string text;
};

struct Bench {
  KeptBytes kept;
  TcpStream stream{kept};
  Heard heard;

  void add(std::uint32_t sequence, std::string_view text, std::uint32_t cut = 0) {
    stream.add({.sequence = sequence, .payload = as_bytes(text), .sent_bytes = static_cast<std::uint32_t>(text.size()) + cut}, heard);
  }
};

TEST(TcpStream, HandsOnWhatComesInOrder) {
  Bench bench;
  bench.add(100, "ab");
  bench.add(102, "cd");
  EXPECT_EQ(bench.heard.text, "abcd");
}

TEST(TcpStream, DropsWhatComesAgain) {
  Bench bench;
  bench.add(100, "abcd");
  bench.add(100, "abcd");
  bench.add(102, "cdef");
  bench.add(99, "x");  // A keep-alive.
  EXPECT_EQ(bench.heard.text, "abcdef");
}

TEST(TcpStream, PutsInOrderWhatComesEarly) {
  Bench bench;
  const std::size_t before = bench.kept.left;
  bench.stream.begin(100);
  bench.add(104, "ef");
  bench.add(102, "cd");
  EXPECT_EQ(bench.heard.text, "");
  bench.add(100, "ab");
  EXPECT_EQ(bench.heard.text, "abcdef");
  EXPECT_EQ(bench.kept.left, before);
}

TEST(TcpStream, GoesOnOverTheEndOfTheNumbers) {
  Bench bench;
  bench.add(0xffff'fffe, "abcd");
  bench.add(2, "ef");
  EXPECT_EQ(bench.heard.text, "abcdef");
}

TEST(TcpStream, WhatNeverComesIsLostOnceTooMuchWaits) {
  Bench bench;
  bench.stream.begin(0);
  for (std::uint32_t at = 3; at < 3 + 70; ++at) bench.add(at, "x");
  bench.stream.finish(bench.heard);
  EXPECT_EQ(bench.heard.text, "[3]" + std::string(70, 'x'));
}

TEST(TcpStream, WhatNeverComesIsLostAtTheEnd) {
  Bench bench;
  bench.add(0, "ab");
  bench.add(4, "ef");
  bench.add(8, "ij");
  bench.stream.finish(bench.heard);
  EXPECT_EQ(bench.heard.text, "ab[2]ef[2]ij");
}

TEST(TcpStream, WhatTheCaptureCutOffIsLost) {
  Bench bench;
  bench.add(0, "ab", 3);
  bench.add(5, "cd");
  EXPECT_EQ(bench.heard.text, "ab[3]cd");
}

TEST(TcpStream, WithoutMemoryNothingWaits) {
  Bench bench;
  bench.kept.left = 0;
  bench.stream.begin(0);
  bench.add(2, "cd");
  bench.add(0, "ab");
  EXPECT_EQ(bench.heard.text, "[2]cd");
}

}  // namespace
}  // namespace tidelog::cli
