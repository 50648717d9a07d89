#include "cli/text/legible.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

TEST(Legible, LeavesTextAsItIs) {
  for (const char* text : {"", "payments", "caf\xc3\xa9", "\xe2\x82\xac \xf0\x9f\x8c\x8a", "\xc2\xa0"}) EXPECT_EQ(legible(text), text);
}

TEST(Legible, ReplacesControlCharacters) {
  EXPECT_EQ(legible("a\x1b[31mb\x07"), "a?[31mb?");
  EXPECT_EQ(legible(std::string_view("\0\x01\x1f\x7f", 4)), "????");
  EXPECT_EQ(legible("\xc2\x80\xc2\x9b\xc2\x9f"), "???") << "C1 in UTF-8";
}

TEST(Legible, MakesLineBreaksAndTabsBlanks) { EXPECT_EQ(legible("a\tb\nc\rd\ve\f"), "a b c d e "); }

TEST(Legible, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(legible("\x9b"), "?") << "C1 as one byte";
  EXPECT_EQ(legible("a\xff\xfe"), "a??");
  EXPECT_EQ(legible("\xc0\x9b"), "??") << "a longer form than need be";
  EXPECT_EQ(legible("\xe2\x82"), "??") << "cut";
  EXPECT_EQ(legible("\xed\xa0\x80"), "???") << "a surrogate";
}

}  // namespace
}  // namespace tidelog::cli
