#include "client/group/topic_filter.h"

#include <tidelog/error.h>

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

TEST(TopicFilter, MatchesWholeNames) {
  const auto filter = *TopicFilter::compile("logs-(east|west)|^all$");

  EXPECT_TRUE(filter->matches("logs-east"));
  EXPECT_TRUE(filter->matches("all"));
  EXPECT_FALSE(filter->matches("logs-eastern"));
  EXPECT_FALSE(filter->matches("my-logs-east"));
  EXPECT_EQ(filter->text(), "logs-(east|west)|^all$");
}

TEST(TopicFilter, SaysWhatIsWrong) {
  for (const char* text : {"", "logs-(", "*", "(?=a)"}) {
    const auto filter = TopicFilter::compile(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().kind(), errc::invalid_argument);
    EXPECT_NE(filter.error().message().find("pattern"), std::string::npos) << filter.error().message();
  }
  EXPECT_NE(TopicFilter::compile("logs-(").error().message().find("missing )"), std::string::npos);
}

}  // namespace
}  // namespace tidelog::core
