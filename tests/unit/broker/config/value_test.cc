#include "broker/config/value.h"

#include "broker/config/choices.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

template <class T>
std::string refusal(std::string_view text, const ValueRules& rules, T value = {}) {
  const ValueResult result = parse_value(text, rules, value);
  return result ? "accepted" : result.error();
}

TEST(ConfigValue, TakesBooleansInAnyCaseAndNothingElse) {
  bool value = false;
  EXPECT_TRUE(parse_value(" True ", {}, value));
  EXPECT_TRUE(value);
  EXPECT_EQ(refusal<bool>("yes", {}), "allowed: true, false");
}

TEST(ConfigValue, NamesTheRangeItRefused) {
  const ValueRules rules{.limits = between(1, 9), .choices = {}};
  EXPECT_EQ(refusal<std::int32_t>("10", rules), "out of range (allowed: 1 to 9)");
  EXPECT_EQ(refusal<std::int32_t>("0", {.limits = at_least(1), .choices = {}}), "out of range (allowed: at least 1)");
  EXPECT_EQ(refusal<std::int32_t>("9", rules), "accepted");
  EXPECT_EQ(refusal<std::int32_t>("1", rules), "accepted");
}

TEST(ConfigValue, RefusesWhatIsNotAWholeNumber) {
  for (const std::string_view text : {"", "soon", "1.5", "0x10", "1k", "--1", "+-1", "+", "1 2"}) {
    EXPECT_EQ(refusal<std::int64_t>(text, {}), "not a whole number (allowed: any number)") << text;
  }
}

TEST(ConfigValue, TellsAnOverflowFromARangeError) {
  EXPECT_EQ(refusal<std::int32_t>("2147483648", {}), "it does not fit in 32 bits (allowed: any number)");
  EXPECT_EQ(refusal<std::int64_t>("9223372036854775807", {}), "accepted");
}

TEST(ConfigValue, AcceptsAPlusSign) {
  std::int32_t value = 0;
  EXPECT_TRUE(parse_value("+7", {}, value));
  EXPECT_EQ(value, 7);
}

TEST(ConfigValue, RefusesNotANumberAndInfinityInARange) {
  const ValueRules rules{.limits = between(0, 1), .choices = {}};
  EXPECT_EQ(refusal<double>("nan", rules), "out of range (allowed: 0 to 1)");
  EXPECT_EQ(refusal<double>("inf", rules), "out of range (allowed: 0 to 1)");
  EXPECT_EQ(refusal<double>("0.25", rules), "accepted");
}

TEST(ConfigValue, SplitsListsAndRefusesHolesAndRepeats) {
  std::vector<std::string> value;
  EXPECT_TRUE(parse_value(" a , b ", {}, value));
  EXPECT_EQ(value, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(refusal("a,,b", {}, value), "an element of the list is empty");
  EXPECT_EQ(refusal("a,", {}, value), "an element of the list is empty");
  EXPECT_EQ(refusal("a,b,a", {}, value), "\"a\" is listed twice");
}

TEST(ConfigValue, LeavesTheTargetAloneWhenItRefuses) {
  std::vector<std::string> list{"kept"};
  std::int32_t number = 5;
  EXPECT_FALSE(parse_value("x,x", {}, list));
  EXPECT_FALSE(parse_value("x", {}, number));
  EXPECT_EQ(list, std::vector<std::string>{"kept"});
  EXPECT_EQ(number, 5);
}

TEST(ConfigValue, ReadsChoicesByTheirExactNames) {
  const ValueRules rules{.limits = {}, .choices = kDurabilityModes};
  DurabilityMode mode = DurabilityMode::fsync;
  EXPECT_TRUE(parse_value("page-cache", rules, mode));
  EXPECT_EQ(mode, DurabilityMode::page_cache);
  EXPECT_EQ(print_value(mode), "page-cache");
  EXPECT_EQ(refusal("FSYNC", rules, mode), "allowed: fsync, page-cache");
}

TEST(ConfigValue, EmptiesAnOptionalWithAnEmptyText) {
  std::optional<std::int64_t> value = 3;
  EXPECT_TRUE(parse_value("", {}, value));
  EXPECT_FALSE(value.has_value());
  EXPECT_EQ(print_value(value), "");
}

}  // namespace
}  // namespace tidelog::broker
