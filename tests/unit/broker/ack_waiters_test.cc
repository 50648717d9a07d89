#include "broker/partition/ack_waiters.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

class Recorder final : public AckWaiter {
 public:
  Recorder(std::vector<std::string>& log, std::string name) : log_(log), name_(std::move(name)) {}
  void on_outcome(ErrorCode outcome) override { log_.push_back(name_ + ":" + std::to_string(static_cast<int>(outcome))); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};

constexpr LeaderEpoch kEpoch{4};

TEST(AckWaiters, ReleasesInOffsetOrderThroughTheHighWatermark) {
  std::vector<std::string> log;
  AckWaiters waiters;
  Recorder a(log, "a");
  Recorder b(log, "b");
  Recorder c(log, "c");

  waiters.insert(a, {10}, kEpoch);
  waiters.insert(c, {30}, kEpoch);
  waiters.insert(b, {20}, kEpoch);
  waiters.release_through({20}, kEpoch);

  EXPECT_EQ(log, (std::vector<std::string>{"a:0", "b:0"}));
  EXPECT_FALSE(waiters.empty());
  waiters.fail_all(ErrorCode::kafka_storage_error);
  EXPECT_EQ(log.back(), "c:56");
  EXPECT_TRUE(waiters.empty());
}

// R3: what was written under an epoch that is over may have been replaced, so nobody may call it kept.
TEST(RuleR3, AWaiterOfAnotherLeaderEpochLearnsThatTheLeaderChanged) {
  std::vector<std::string> log;
  AckWaiters waiters;
  Recorder old_one(log, "old");
  Recorder new_one(log, "new");

  waiters.insert(old_one, {10}, kEpoch);
  waiters.insert(new_one, {20}, kEpoch + 1);
  waiters.release_through({20}, kEpoch + 1);

  EXPECT_EQ(log, (std::vector<std::string>{"old:6", "new:0"}));
}

}  // namespace
}  // namespace tidelog::broker
