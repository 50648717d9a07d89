#include "broker/group/history.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tidelog::broker {
namespace {

GroupHistory::Event event(std::int64_t at, std::int32_t generation, std::string what) {
  return {.at = TimestampMs{at}, .generation = generation, .what = std::move(what)};
}

TEST(GroupHistory, KeepsTheLastEvents) {
  GroupHistory history;
  for (int i = 0; i < 100; ++i) history.add(event(i, i, "event " + std::to_string(i)));

  ASSERT_EQ(history.events().size(), GroupHistory::kMostEvents);
  EXPECT_EQ(history.events().front().what, "event 68");
  EXPECT_EQ(history.events().back().what, "event 99");
}

TEST(GroupHistory, CountsWhatHappensAgainRightAway) {
  GroupHistory history;
  history.add(event(1, 5, "member a was fenced"));
  history.add(event(2, 5, "member a was fenced"));
  history.add(event(3, 5, "member a was fenced"));
  history.add(event(4, 6, "member a was fenced"));

  ASSERT_EQ(history.events().size(), 2U);
  EXPECT_EQ(sentence(history.events().front()), "member a was fenced (3 times)");
  EXPECT_EQ(history.events().front().at, TimestampMs{3});
  EXPECT_EQ(sentence(history.events().back()), "member a was fenced");
}

TEST(GroupHistory, CutsWhatIsLongBetweenCharacters) {
  GroupHistory history;
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "\u00e4";
  history.add(event(1, 1, "x" + umlauts));

  const std::string& what = history.events().front().what;
  EXPECT_LE(what.size(), GroupHistory::kMostBytes);
  EXPECT_TRUE(what.ends_with("\u00e4..."));
}

TEST(GroupHistory, ShowsNothingThatSteersATerminal) { EXPECT_EQ(legible("a\x1b[31mb\n\x7f", 60), "a?[31mb??"); }

}  // namespace
}  // namespace tidelog::broker
