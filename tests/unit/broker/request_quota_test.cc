// What request_percentage means, by a clock that the test moves.
#include "broker/handlers/request_quota.h"

#include "broker/handlers/handler.h"
#include "tests/support/fake_stream.h"
#include "tests/support/manual_env.h"
#include "tests/support/silent_handler.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kLimited = "limited";

class NoRelief final : public Relief {
 public:
  void watch_request_memory() override {}
  void free_response_memory() override {}
  void make_room_for_answer(std::size_t) override {}
};

class RequestQuotaTest : public ::testing::Test {
 protected:
  RequestQuotaTest() { limit_to(10); }

  static std::vector<std::unique_ptr<ShardServices>> one_shard(Env& env) {
    std::vector<std::unique_ptr<ShardServices>> shards;
    shards.push_back(std::make_unique<ShardServices>(env, 0, ShardMemory{1 << 20, 1 << 20}, QuotaCounting()));
    return shards;
  }

  ShardServices& here() { return *shards_.front(); }

  /// Percent of one loop; none: no quota.
  void limit_to(std::optional<double> percent) {
    Image image;
    ClientQuotaRecord record{.entity = {{std::string(kQuotaClientId), std::string(kLimited)}}, .values = {}};
    record.values.emplace(kRequestPercentage, percent);
    if (percent) ASSERT_TRUE(image.apply(record));
    here().image = std::make_shared<const Image>(image);
  }

  /// A request that keeps the loop busy for so long; what its answer tells the client to wait.
  std::int32_t serve(SteadyTime busy, std::string_view client = kLimited) {
    const proto::RequestHeader header{.api_key = 3, .api_version = 9, .correlation_id = 1, .client_id = client};
    RequestQuota quota(shards_, here(), connection_, header);
    const WorkTime::Piece piece(connection_.client().payer(), env_.loop());
    env_.loop().advance(busy);
    return quota.is_limited() ? quota.settle() : 0;
  }

  ManualEnv env_;
  std::vector<std::unique_ptr<ShardServices>> shards_ = one_shard(env_);
  Silent handler_;
  NoRelief relief_;
  ConnectionLimits limits_{
      .max_frame_bytes = 1000, .max_in_flight = 1, .idle = seconds(600), .whole_frame = seconds(30), .write_stall = seconds(30)};
  Connection connection_{{.shard = here().shard, .handler = handler_, .limits = limits_, .relief = relief_},
                         std::make_unique<FakeStream>(std::make_shared<FakeWire>(env_.loop()))};
};

// 10 percent of ten seconds, which the window counts at least, is one second of work.
TEST_F(RequestQuotaTest, ShareOfTheWindowIsFreeAndWhatIsAboveIsWaitedFor) {
  const std::int32_t below = serve(milliseconds(990));
  const std::int32_t above = serve(milliseconds(30));

  EXPECT_EQ(below, 0);
  // 1.02 s in a little over 11 samples' time: 20 ms too much are worth 200 ms at a tenth.
  EXPECT_GT(above, 50);
  EXPECT_LE(above, 200);
  EXPECT_EQ(here().shard.limits().count(Limit::client_quota), 1U);
}

TEST_F(RequestQuotaTest, NobodyWaitsLongerThanOneSampleForIt) {
  const std::int32_t wait = serve(seconds(9));

  EXPECT_EQ(wait, 1000);
}

TEST_F(RequestQuotaTest, WhoeverHasNoQuotaIsNotTimed) {
  const std::int32_t wait = serve(seconds(9), "somebody else");

  EXPECT_EQ(wait, 0);
  EXPECT_EQ(connection_.client().payer(), nullptr);
}

TEST_F(RequestQuotaTest, AQuotaTakenBackLimitsNobodyAndTimesNobody) {
  serve(seconds(9));
  const bool was_timed = connection_.client().payer() != nullptr;
  limit_to(std::nullopt);

  const std::int32_t wait = serve(seconds(9));

  EXPECT_TRUE(was_timed);
  EXPECT_EQ(wait, 0);
  EXPECT_FALSE(may_pay_for_time(here(), connection_));
}

TEST_F(RequestQuotaTest, WhatWasSpentElsewhereCounts) {
  const proto::RequestHeader header{.api_key = 0, .api_version = 9, .correlation_id = 1, .client_id = kLimited};
  RequestQuota quota(shards_, here(), connection_, header);

  quota.add(seconds(5));

  EXPECT_EQ(quota.settle(), 1000);
}

// A Produce is paid for when its parts came back, and by then another client's may have begun on the connection.
TEST_F(RequestQuotaTest, WhatWasSpentElsewhereIsPaidByWhomItWasSpentFor) {
  const proto::RequestHeader header{.api_key = 0, .api_version = 9, .correlation_id = 1, .client_id = kLimited};
  RequestQuota quota(shards_, here(), connection_, header);
  const std::int32_t others_wait = serve(seconds(1), "somebody else");

  quota.add(seconds(5));

  EXPECT_EQ(others_wait, 0);
  EXPECT_EQ(quota.settle(), 1000);
}

TEST_F(RequestQuotaTest, AllConnectionsOfAClientShareOneQuota) {
  Connection other{{.shard = here().shard, .handler = handler_, .limits = limits_, .relief = relief_},
                   std::make_unique<FakeStream>(std::make_shared<FakeWire>(env_.loop()))};
  const proto::RequestHeader header{.api_key = 3, .api_version = 9, .correlation_id = 1, .client_id = kLimited};
  serve(seconds(3));

  RequestQuota quota(shards_, here(), other, header);

  EXPECT_GT(quota.settle(), 0);
}

}  // namespace
}  // namespace tidelog::broker
