#include "broker/config/properties.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

std::string trace(std::string_view text) {
  const auto result = parse_properties(text);
  if (!result) return "line " + std::to_string(result.error().line) + ": " + result.error().message;
  std::string out;
  for (const Property& property : *result) out += std::to_string(property.line) + ":" + property.key + "=" + property.value + ";";
  return out;
}

TEST(Properties, TakesEveryKindOfSeparator) { EXPECT_EQ(trace("a=1\nb : 2\nc 3\n d = 4 \n"), "1:a=1;2:b=2;3:c=3;4:d=4;"); }

TEST(Properties, SkipsCommentsAndEmptyLines) { EXPECT_EQ(trace("# a=1\n\n  ! b=2\nc=#3\n"), "4:c=#3;"); }

TEST(Properties, JoinsContinuedLinesAndCountsFromTheFirst) { EXPECT_EQ(trace("a=1,\\\n   2,\\\n   3\nb=4"), "1:a=1,2,3;4:b=4;"); }

TEST(Properties, DoesNotContinueAnEscapedBackslash) { EXPECT_EQ(trace("a=x\\\\\nb=2\n"), "1:a=x\\;2:b=2;"); }

TEST(Properties, ReadsWindowsLineEnds) { EXPECT_EQ(trace("a=1\r\nb=2\r\n"), "1:a=1;2:b=2;"); }

TEST(Properties, UndoesEscapes) { EXPECT_EQ(trace("a\\=b=c\\td\\u00e9\n"), "1:a=b=c\td\xc3\xa9;"); }

TEST(Properties, RefusesAKeyThatComesTwice) { EXPECT_EQ(trace("a=1\nb=2\na=3\n"), "line 3: a is set a second time, first on line 1"); }

TEST(Properties, RefusesALineWithoutAKey) { EXPECT_EQ(trace("a=1\n=2\n"), "line 2: the key is missing"); }

TEST(Properties, RefusesACutEscape) {
  EXPECT_EQ(trace("a=\\u00"), "line 1: \\u needs four hexadecimal digits");
  EXPECT_EQ(trace("a=\\ud800"), "line 1: \\u needs four hexadecimal digits");
}

TEST(Properties, EndsAtABackslashAtTheEndOfTheFile) { EXPECT_EQ(trace("a=1\\"), "1:a=1;"); }

}  // namespace
TEST(Properties, AByteOrderMarkIsNoPartOfTheFirstKey) {
  const auto read = parse_properties("\xef\xbb\xbfnum.partitions=4\n");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().key, "num.partitions");
}

}  // namespace tidelog::broker
