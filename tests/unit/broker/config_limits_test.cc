// That refused configs are counted and told in the log.
#include "broker/handlers/config_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(ConfigLimits, EachThatWasMetHasALineThatNamesThePeer) {
  LimitLog limits;
  const std::vector<ConfigVerdict> verdicts{
      {},
      {.error = ErrorCode::policy_violation, .message = "too many groups", .met = ConfigLimit::resources},
      {.error = ErrorCode::policy_violation, .message = "too many groups", .met = ConfigLimit::resources},
      {.error = ErrorCode::invalid_request, .message = "too many keys", .met = ConfigLimit::unknown_keys},
      {.error = ErrorCode::policy_violation, .message = "too long lists", .met = ConfigLimit::one_request},
  };
  ::testing::internal::CaptureStderr();

  note_config_limits(limits, seconds(1), {.host = "10.0.0.7", .port = 9}, verdicts);

  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines,
              HasSubstr("configs of groups and subscriptions: refused configs that 10.0.0.7:9 asked for: too many groups (1 so far)"));
  EXPECT_THAT(lines, HasSubstr("unknown broker configs: refused configs that 10.0.0.7:9 asked for: too many keys (1 so far)"));
  EXPECT_THAT(lines, HasSubstr("size of one request: refused configs that 10.0.0.7:9 asked for: too long lists (1 so far)"));
}

TEST(ConfigLimits, WhatIsWrongForAnotherReasonIsNotCounted) {
  LimitLog limits;
  const std::vector<ConfigVerdict> verdicts{{}, {.error = ErrorCode::policy_violation, .message = "of something else"}};

  note_config_limits(limits, seconds(1), {.host = "10.0.0.7", .port = 9}, verdicts);

  EXPECT_EQ(describe(limits.counts()), "");
}

}  // namespace
}  // namespace tidelog::broker
