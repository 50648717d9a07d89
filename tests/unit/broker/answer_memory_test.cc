#include "broker/shard/answer_memory.h"

#include "tests/support/manual_env.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

constexpr std::size_t kPool = 1 << 20;
constexpr std::size_t kAllPools = 4 * kPool;

/// Two of four shards.
class AnswerMemoryTest : public ::testing::Test {
 protected:
  ManualEnv env_;
  std::shared_ptr<Overdraft> overdraft_ = std::make_shared<Overdraft>(kAllPools);
  Shard one_{env_, 0, {.request_bytes = kPool, .response_bytes = kPool, .overdraft = overdraft_}};
  Shard other_{env_, 0, {.request_bytes = kPool, .response_bytes = kPool, .overdraft = overdraft_}};
};

TEST_F(AnswerMemoryTest, WhatARequestMayHaveDoesNotShrinkWithTheNumberOfShards) {
  AnswerMemory memory;

  const bool taken = memory.try_resize(one_, 3 * kPool);

  EXPECT_TRUE(taken);
  EXPECT_EQ(one_.response_budget()->used_bytes(), 0U) << "nothing is taken from those who get along with their pool";
  EXPECT_EQ(AnswerMemory::most_bytes(one_), kAllPools);
}

TEST_F(AnswerMemoryTest, OneRequestOfAllShardsIsBeyondItsPoolAtATime) {
  AnswerMemory first, second, modest;
  ASSERT_TRUE(first.try_resize(one_, 3 * kPool));

  const bool beside = second.try_resize(other_, 3 * kPool);
  const bool in_pool = modest.try_resize(other_, kPool / 2);
  first.release();
  const bool after = second.try_resize(other_, 3 * kPool);

  EXPECT_FALSE(beside);
  EXPECT_TRUE(in_pool);
  EXPECT_TRUE(after);
}

TEST_F(AnswerMemoryTest, GivesItsShareBackWhenItGetsTheOverdraft) {
  AnswerMemory memory;
  ASSERT_TRUE(memory.try_resize(one_, kPool / 2));

  ASSERT_TRUE(memory.try_resize(one_, 2 * kPool));

  EXPECT_EQ(one_.response_budget()->used_bytes(), 0U);
}

}  // namespace
}  // namespace tidelog::broker
