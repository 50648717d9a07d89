#include "cli/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace tidelog::cli {
namespace {

using Outcome = LineReader::Outcome;

/// What a reader makes of `input`, which comes through a pipe; "<too long>" stands for a line above the limit.
std::vector<std::string> read_lines(const std::string& input, std::size_t limit) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  std::thread writer([&] {
    for (std::size_t at = 0; at < input.size();) {
      const ssize_t count = ::write(ends[1], input.data() + at, input.size() - at);
      if (count <= 0) break;
      at += static_cast<std::size_t>(count);
    }
    ::close(ends[1]);
  });
  LineReader reader(ends[0], limit);
  std::vector<std::string> lines;
  std::string_view line;
  for (Outcome outcome = reader.next(line); outcome != Outcome::end; outcome = reader.next(line)) {
    lines.emplace_back(outcome == Outcome::line ? line : std::string_view("<too long>"));
    EXPECT_EQ(reader.line_number(), lines.size());
  }
  writer.join();
  ::close(ends[0]);
  return lines;
}

TEST(LineReader, EndsLinesAtLineFeedsOnly) {
  EXPECT_EQ(read_lines(std::string("a\r\n\n\0b\n", 7), 100), (std::vector<std::string>{"a\r", "", std::string("\0b", 2)}));
}

TEST(LineReader, TakesALastLineWithoutLineFeed) { EXPECT_EQ(read_lines("a\nb", 100), (std::vector<std::string>{"a", "b"})); }

TEST(LineReader, HasNoLinesInNothing) { EXPECT_TRUE(read_lines("", 100).empty()); }

TEST(LineReader, KeepsLinesWholeThatAreLargerThanItsBuffer) {
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(read_lines("a\n" + large + "\nb\n", 4'000'000), (std::vector<std::string>{"a", large, "b"}));
}

TEST(LineReader, PassesOverALineThatIsTooLongAndGoesOn) {
  EXPECT_EQ(read_lines("a\n" + std::string(5'000'000, 'x') + "\nb\n", 2'000'000), (std::vector<std::string>{"a", "<too long>", "b"}));
  EXPECT_EQ(read_lines("a\n" + std::string(101, 'x') + "\nb\n", 100), (std::vector<std::string>{"a", "<too long>", "b"}));
  EXPECT_EQ(read_lines("a\n" + std::string(5'000'000, 'x'), 2'000'000), (std::vector<std::string>{"a", "<too long>"}));
}

}  // namespace
}  // namespace tidelog::cli
