#include "broker/partition/ack_waiters.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::chrono::milliseconds kLong{30'000};

class Recorder final : public AckWaiter {
 public:
  Recorder(std::vector<std::string>& log, std::string name, std::chrono::milliseconds waits = kLong) : log_(log), name_(std::move(name)) {
    patience = waits;
  }
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

TEST(AckWaiters, OnlyThoseWhosePatienceIsAboutToEndExpireAndItCountsFromTheFirstLook) {
  using std::chrono::milliseconds;
  std::vector<std::string> log;
  AckWaiters waiters;
  Recorder patient(log, "patient");
  Recorder hasty(log, "hasty", milliseconds(500));
  Recorder late(log, "late", milliseconds(0));
  waiters.insert(patient, {10}, kEpoch);
  waiters.insert(hasty, {20}, kEpoch);
  const SteadyTime first_look = std::chrono::seconds(100);

  waiters.expire(first_look);
  waiters.insert(late, {30}, kEpoch);
  waiters.expire(first_look + milliseconds(449));
  const std::vector<std::string> before = log;
  waiters.expire(first_look + milliseconds(450));
  waiters.release_through({30}, kEpoch);

  EXPECT_TRUE(before.empty());
  EXPECT_EQ(log, (std::vector<std::string>{"hasty:7", "late:7", "patient:0"}));
  EXPECT_TRUE(waiters.empty());
}

TEST(AckWaiters, WhoeverExpiredMayBringTheNextFromInside) {
  struct Chain final : AckWaiter {
    Chain(AckWaiters& list, AckWaiter& after) : list_(list), after_(after) {}
    void on_outcome(ErrorCode) override { list_.insert(after_, {5}, kEpoch); }
    AckWaiters& list_;
    AckWaiter& after_;
  };
  std::vector<std::string> log;
  AckWaiters waiters;
  Recorder next(log, "next");
  Chain chain(waiters, next);
  waiters.insert(chain, {9}, kEpoch);

  waiters.expire(std::chrono::seconds(1));
  waiters.expire(std::chrono::seconds(2));
  waiters.expire(std::chrono::seconds(3));

  EXPECT_TRUE(log.empty());
  EXPECT_FALSE(waiters.empty());
  waiters.release_through({5}, kEpoch);
  EXPECT_EQ(log, (std::vector<std::string>{"next:0"}));
}

}  // namespace
}  // namespace tidelog::broker
