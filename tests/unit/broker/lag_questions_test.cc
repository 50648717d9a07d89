#include "broker/handlers/groups/lag_questions.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

constexpr Uuid kTopic{{std::byte{7}}};

LagQuery about(std::int32_t partition, std::int64_t committed) {
  return {.id = {.topic_id = kTopic, .partition = PartitionIndex{partition}}, .committed = Offset{committed}};
}

TEST(LagQuestions, WhatIsNamedAgainIsAskedOnce) {
  LagQuestions asked;
  const std::size_t first = asked.ask(about(0, 5));
  const std::size_t other = asked.ask(about(1, 5));

  EXPECT_EQ(asked.ask(about(0, 5)), first);
  EXPECT_EQ(asked.ask(about(1, 5)), other);
  EXPECT_NE(first, other);
  EXPECT_EQ(asked.queries().size(), 2U);
}

TEST(LagQuestions, GroupsThatStandElsewhereAskForThemselves) {
  LagQuestions asked;
  const std::size_t one = asked.ask(about(0, 5));
  const std::size_t another = asked.ask(about(0, 6));

  EXPECT_NE(one, another);
  EXPECT_EQ(asked.queries().at(another).committed, Offset{6});
}

}  // namespace
}  // namespace tidelog::broker
