#include "broker/metadata/topic_names.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

TEST(TopicName, MayUseLettersDigitsDotUnderscoreAndHyphen) {
  EXPECT_EQ(topic_name_problem("aZ09._-"), "");
  EXPECT_EQ(topic_name_problem("..."), "");
  EXPECT_EQ(topic_name_problem(std::string(249, 'x')), "");
}

TEST(TopicName, CannotBeWhatPathsOrTheWireWouldMisread) {
  EXPECT_NE(topic_name_problem(""), "");
  EXPECT_NE(topic_name_problem("."), "");
  EXPECT_NE(topic_name_problem(".."), "");
  EXPECT_NE(topic_name_problem("a/b"), "");
  EXPECT_NE(topic_name_problem("a\nb"), "");
  EXPECT_NE(topic_name_problem(std::string_view("a\0", 2)), "");
  EXPECT_NE(topic_name_problem(std::string(250, 'x')), "");
}

TEST(TopicName, LooksLikeAnotherInDotAndUnderscoreOnly) {
  EXPECT_EQ(metric_form("a.b_c"), metric_form("a_b.c"));
  EXPECT_NE(metric_form("a.b"), metric_form("a-b"));
  EXPECT_TRUE(has_lookalikes("a.b"));
  EXPECT_TRUE(has_lookalikes("a_b"));
  EXPECT_FALSE(has_lookalikes("a-b"));
}

}  // namespace
}  // namespace tidelog::broker
