#include "cli/group_target.h"

#include <gtest/gtest.h>

#include <limits>

namespace tidelog::cli {
namespace {

constexpr std::int64_t kNow = 1'000'000'000;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

SeekTarget target(std::string_view text) {
  const result<SeekTarget> parsed = parse_seek_target(text, kNow);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : SeekTarget();
}

TEST(SeekTarget, TakesPlacesShiftsAndGroups) {
  EXPECT_EQ(target("earliest").place, offset_spec::start());
  EXPECT_EQ(target("latest").place, offset_spec::end());
  EXPECT_EQ(target("42").place, offset_spec::at(42));
  EXPECT_EQ(target("@-2s").place, offset_spec::time(kNow - 2'000));
  EXPECT_EQ(target("+10").kind, SeekTarget::Kind::shift);
  EXPECT_EQ(target("+10").shift, 10);
  EXPECT_EQ(target("-10").shift, -10);
  EXPECT_EQ(target("group:other").kind, SeekTarget::Kind::group);
  EXPECT_EQ(target("group:other").group, "other");
}

TEST(SeekTarget, RefusesWhatIsNone) {
  for (const char* text : {"", "soon", "+", "-", "--5", "+-5", "+5x", "group:", "1:2", "start:end", ":", "99999999999999999999"})
    EXPECT_FALSE(parse_seek_target(text, kNow)) << text;
}

TEST(OffsetAfter, KeepsWithinWhatThePartitionHolds) {
  const auto at = [](std::int64_t found) { return offset_after(target("0"), {.committed = 7, .start = 5, .end = 9, .found = found}); };
  EXPECT_EQ(at(3), 5);
  EXPECT_EQ(at(6), 6);
  EXPECT_EQ(at(9), 9);
  EXPECT_EQ(at(100), 9);
}

TEST(OffsetAfter, ShiftsWhatIsCommitted) {
  const auto shifted = [](std::int64_t committed, const char* by) {
    return offset_after(target(by), {.committed = committed, .start = 5, .end = 90, .found = {}});
  };
  EXPECT_EQ(shifted(50, "+10"), 60);
  EXPECT_EQ(shifted(50, "-10"), 40);
  EXPECT_EQ(shifted(50, "+1000"), 90);
  EXPECT_EQ(shifted(50, "-1000"), 5);
  EXPECT_EQ(shifted(kMost, "+9223372036854775807"), 90);
  EXPECT_EQ(shifted(0, "-9223372036854775807"), 5);
}

TEST(OffsetAfter, KnowsNothingWithoutAnOffsetToGoBy) {
  EXPECT_EQ(offset_after(target("+1"), {.committed = {}, .start = 0, .end = 9, .found = 4}), std::nullopt);
  EXPECT_EQ(offset_after(target("group:o"), {.committed = 3, .start = 0, .end = 9, .found = {}}), std::nullopt);
}

TEST(TopicSelector, TakesATopicOrPartitionsOfIt) {
  EXPECT_TRUE(parse_topic_selector("logs")->partitions.empty());
  EXPECT_EQ(parse_topic_selector("logs:0,2")->partitions, (std::vector<std::int32_t>{0, 2}));
  EXPECT_TRUE(parse_topic_selector("logs")->covers("logs", 7));
  EXPECT_TRUE(parse_topic_selector("logs:2")->covers("logs", 2));
  EXPECT_FALSE(parse_topic_selector("logs:2")->covers("logs", 3));
  EXPECT_FALSE(parse_topic_selector("logs")->covers("log", 0));
}

TEST(TopicSelector, RefusesWhatIsNone) {
  for (const char* text : {"", ":0", "logs:", "logs:x", "logs:-1", "logs:1,", "logs:1,,2", "logs:99999999999"})
    EXPECT_FALSE(parse_topic_selector(text)) << text;
}

}  // namespace
}  // namespace tidelog::cli
