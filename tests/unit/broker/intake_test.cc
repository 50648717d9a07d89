// How parts that take long to check share a shard with everybody else.
#include "broker/partition/intake.h"

#include "broker/partition/log_config.h"
#include "broker/partition/services.h"
#include "proto/record/builder.h"
#include "tests/support/manual_env.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr Uuid kTopic{{std::byte{7}}};
constexpr int kPartitions = 6;

/// Nothing is synced: these topics are acknowledged from the page cache.
class NoDurability final : public Durability {
 public:
  void contribute(DurableLog&) override {}
  void forget(DurableLog&) override {}
  asio::awaitable<bool> contributed_are_durable() override { co_return true; }
  asio::awaitable<bool> sync_files(std::vector<DurableLog*>) override { co_return true; }
  void write_failed(const storage::Log&, Errc) override {}
  void give_up() override {}
};

struct Sent final : ProducePart::Owner {
  explicit Sent(std::vector<const Sent*>& answered_in_order) : order(answered_in_order) {}
  void on_part_done(ProducePart&) override { order.push_back(this); }
  std::vector<const Sent*>& order;
  std::vector<std::byte> bytes;
  ProducePart part;
};

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() {
    TopicConfig config;
    config.durability = DurabilityMode::page_cache;
    config.cleanup_policy = {"compact"};
    for (std::int32_t i = 0; i < kPartitions; ++i) {
      auto log = storage::Log::create({.files = &env_.files(), .directory = env_.directory() + "/t-" + std::to_string(i)},
                                      {.topic_id = kTopic, .log_id = static_cast<std::uint64_t>(i + 1)}, to_log_config(config, options_));
      EXPECT_TRUE(log);
      services_.partitions.add(std::make_unique<Partition>(services_.shard, durability_,
                                                           Partition::Identity{.id = {.topic_id = kTopic, .partition = {i}}, .topic = "t"},
                                                           std::move(*log), LeaderEpoch{3}, std::make_shared<const TopicConfig>(config)));
    }
    services_.image = std::make_shared<const Image>();
  }
  ~IntakeTest() override {
    for (std::int32_t i = 0; i < kPartitions; ++i) services_.partitions.take({.topic_id = kTopic, .partition = {i}});
  }

  /// One keyed record; compressed, it has to be opened before it may go into a compacted topic.
  Sent& send(const void* client, std::int32_t partition, proto::Codec codec) {
    proto::BatchBuilder builder;
    const Bytes text{reinterpret_cast<const std::byte*>("k"), 1};
    builder.append({.timestamp = env_.loop().wall_clock(), .key = text, .value = text});
    const Bytes batch = builder.build({.codec = codec});
    Sent& sent = *sent_.emplace_back(std::make_unique<Sent>(order_));
    sent.client = client;
    sent.bytes.assign(batch.begin(), batch.end());
    sent.part.id = {.topic_id = kTopic, .partition = {partition}};
    sent.part.records = sent.bytes;
    sent.part.api_version = 11;
    sent.part.owner = &sent;
    services_.intake.take(sent.part);
    return sent;
  }
  using Codec = proto::Codec;

  /// How many were answered before this one.
  [[nodiscard]] std::size_t place_of(const Sent& sent) const {
    return static_cast<std::size_t>(std::ranges::find(order_, &sent) - order_.begin());
  }

  ManualEnv env_;
  BrokerOptions options_;
  NoDurability durability_;
  ShardServices services_{env_, 0, {.request_bytes = 1 << 20, .response_bytes = 1 << 20}, {}};
  std::vector<std::unique_ptr<Sent>> sent_;
  std::vector<const Sent*> order_;
  const int one_ = 0, other_ = 0;
};

// Small batches can open to much, and one request may bring one for each of many partitions. The loop belongs to everybody.
TEST_F(IntakeTest, BatchesThatTakeLongLetOthersGoOnBetweenThem) {
  env_.loop().let_looking_take(std::chrono::milliseconds(4));
  for (std::int32_t i = 0; i < kPartitions; ++i) send(&one_, i, Codec::gzip);
  std::vector<std::size_t> answered;
  // Runs in each round of the loop, as the bytes of other connections would.
  Job look = [&] {
    answered.push_back(order_.size());
    if (answered.size() < 40) env_.loop().post([&] { look(); });
  };
  look();

  env_.loop().run_ready();

  ASSERT_EQ(order_.size(), static_cast<std::size_t>(kPartitions));
  std::size_t most_at_once = 0;
  for (std::size_t i = 1; i < answered.size(); ++i) most_at_once = std::max(most_at_once, answered[i] - answered[i - 1]);
  EXPECT_LE(most_at_once, 2U) << "a turn of 5 ms holds two that take 4";
}

TEST_F(IntakeTest, WhatTakesNoTimeDoesNotWaitBehindWhatDoes) {
  env_.loop().let_looking_take(std::chrono::milliseconds(4));
  for (std::int32_t i = 0; i < kPartitions; ++i) send(&one_, i, Codec::gzip);

  const Sent& plain = send(&other_, 0, Codec::none);
  env_.loop().run_ready();

  EXPECT_EQ(place_of(plain), 0U);
}

TEST_F(IntakeTest, ClientsTakeTurns) {
  env_.loop().let_looking_take(std::chrono::milliseconds(6));
  for (std::int32_t i = 0; i < kPartitions; ++i) send(&one_, i, Codec::gzip);

  const Sent& first = send(&other_, 0, Codec::gzip);
  const Sent& second = send(&other_, 1, Codec::gzip);
  env_.loop().run_ready();

  EXPECT_EQ(place_of(first), 1U);
  EXPECT_EQ(place_of(second), 3U);
}

TEST_F(IntakeTest, OneClientsPartsKeepTheirOrderWhateverTheyTake) {
  env_.loop().let_looking_take(std::chrono::milliseconds(6));
  const std::vector<Codec> codecs{Codec::gzip, Codec::none, Codec::gzip, Codec::none, Codec::none};
  for (const Codec codec : codecs) send(&one_, 0, codec);

  env_.loop().run_ready();

  for (std::size_t i = 0; i < codecs.size(); ++i) {
    EXPECT_EQ(sent_[i]->part.error, ErrorCode::none);
    EXPECT_EQ(sent_[i]->part.base_offset, Offset{static_cast<std::int64_t>(i)});
  }
}

TEST_F(IntakeTest, WhatWaitsWhenItsPartitionGoesIsAnswered) {
  const Sent& sent = send(&one_, 0, Codec::gzip);
  services_.partitions.take({.topic_id = kTopic, .partition = {0}});

  env_.loop().run_ready();

  EXPECT_EQ(place_of(sent), 0U);
  EXPECT_NE(sent.part.error, ErrorCode::none);
}

}  // namespace
}  // namespace tidelog::broker
