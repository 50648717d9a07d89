#include "cli/offset_range.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

OffsetRange parse(std::string_view text) {
  const result<OffsetRange> range = parse_offset_range(text, kNowMs);
  EXPECT_TRUE(range) << text;
  return range ? *range : OffsetRange{};
}

TEST(OffsetRange, TakesOnePlace) {
  EXPECT_EQ(parse("start").from, offset_spec::start());
  EXPECT_EQ(parse("end").from, offset_spec::end());
  EXPECT_EQ(parse("42").from, offset_spec::at(42));
  EXPECT_EQ(parse("-10").from, offset_spec::before_end(10));
  EXPECT_FALSE(parse("42").until);
}

TEST(OffsetRange, TakesFromAndUntil) {
  EXPECT_EQ(parse("start:end").from, offset_spec::start());
  EXPECT_EQ(*parse("start:end").until, offset_spec::end());
  EXPECT_EQ(*parse("5:9").until, offset_spec::at(9));
  EXPECT_EQ(parse("-10:-5").from, offset_spec::before_end(10));
  EXPECT_EQ(*parse("-10:-5").until, offset_spec::before_end(5));
}

TEST(OffsetRange, EitherSideMayBeLeftOut) {
  EXPECT_EQ(parse(":end").from, offset_spec::start());
  EXPECT_EQ(*parse(":end").until, offset_spec::end());
  EXPECT_EQ(parse("5:").from, offset_spec::at(5));
  EXPECT_FALSE(parse("5:").until);
}

TEST(OffsetRange, TakesTimes) {
  EXPECT_EQ(parse("@1700000000000").from, offset_spec::time(1'700'000'000'000));
  EXPECT_EQ(parse("@-2h").from, offset_spec::time(kNowMs - 7'200'000));
  EXPECT_EQ(*parse("@-1d:@-30s").until, offset_spec::time(kNowMs - 30'000));
}

TEST(OffsetRange, RefusesTheRestAndSaysWhatThereIs) {
  for (const char* text :
       {"", "banana", "5x", "--5", "-", "@", "@-", "@-2", "@-h", "@2w", "1:2:3", "99999999999999999999", "start:later", "@-9999999999d"}) {
    const result<OffsetRange> range = parse_offset_range(text, kNowMs);
    ASSERT_FALSE(range) << text;
    EXPECT_EQ(range.error().kind(), errc::invalid_argument);
    EXPECT_NE(range.error().hint().find("start:end"), std::string::npos);
  }
}

}  // namespace
}  // namespace tidelog::cli
