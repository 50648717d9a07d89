// A cleaning and what others do to its log meanwhile, slice by slice.
#include "broker/upkeep/cleaning_run.h"

#include "broker/partition/log_config.h"
#include "proto/record/builder.h"
#include "tests/support/manual_env.h"

#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <string>

namespace tidelog::broker {
namespace {

constexpr TopicPartition kId{.topic_id = {{std::byte{7}}}, .partition = {0}};

class NoDurability final : public Durability {
 public:
  void contribute(DurableLog&) override {}
  void forget(DurableLog&) override {}
  asio::awaitable<bool> contributed_are_durable() override { co_return true; }
  asio::awaitable<bool> sync_files(std::vector<DurableLog*>) override { co_return true; }
  void write_failed(const storage::Log&, Errc) override {}
  void give_up() override {}
};

class CleaningRunTest : public ::testing::Test {
 protected:
  /// A log of about six segments of some 18 batches, with four keys, all of it in the manifest.
  CleaningRunTest() {
    config_.cleanup_policy = {"compact", "delete"};
    config_.segment_bytes = 20'000;
    auto log = storage::Log::create({.files = &env_.files(), .directory = env_.directory() + "/t-0"},
                                    {.topic_id = kId.topic_id, .log_id = 1}, to_log_config(config_, options_));
    EXPECT_TRUE(log);
    for (int i = 0; i < 110; ++i) append(**log, std::to_string(i % 4));
    sync(**log);
    write_manifest(**log);
    services_.partitions.add(std::make_unique<Partition>(services_.shard, durability_, Partition::Identity{.id = kId, .topic = "t"},
                                                         std::move(*log), LeaderEpoch{3}, std::make_shared<const TopicConfig>(config_)));
  }
  ~CleaningRunTest() override { services_.partitions.take(kId); }

  static void append(storage::Log& log, const std::string& key) {
    const std::string value(1000, 'v');
    proto::BatchBuilder builder;
    builder.append({.timestamp = {1000}, .key = std::as_bytes(std::span(key)), .value = std::as_bytes(std::span(value)), .headers = {}});
    const Bytes batch = builder.build({.base_offset = log.end_offset(), .leader_epoch = LeaderEpoch{3}});
    EXPECT_TRUE(log.append(std::span(&batch, 1)));
  }
  void sync(storage::Log& log) {
    const storage::SyncTicket ticket = log.begin_sync();
    EXPECT_TRUE(ticket.sync(env_.files()));
    log.finish_sync(ticket);
  }
  static void write_manifest(storage::Log& log) {
    static_cast<void>(log.recovery_state());
    log.manifest_written();
  }
  [[nodiscard]] Partition& partition() { return *services_.partitions.find(kId); }
  [[nodiscard]] storage::Log& log() { return partition().log(); }

  /// Begins a cleaning that pauses after each 16 KiB, and lets the first of them be read.
  void begin() {
    CleaningLimits limits;
    limits.means = {.map_bytes = 1U << 16, .buffer_bytes = 16U << 10};
    limits.bytes_per_second = 160 << 10;
    outcome_ = {};
    has_ended_ = false;
    asio::co_spawn(env_.loop().executor(), clean_partition(services_, kId, limits, outcome_),
                   [this](const std::exception_ptr& failed) { has_ended_ = failed == nullptr; });
    env_.loop().run_ready();
  }
  void go_on_to_the_end() {
    for (int i = 0; i < 100 && !has_ended_; ++i) env_.loop().advance(std::chrono::seconds(1));
    EXPECT_TRUE(has_ended_);
  }

  ManualEnv env_;
  BrokerOptions options_;
  TopicConfig config_;
  NoDurability durability_;
  ShardServices services_{env_, 0, {.request_bytes = 1 << 20, .response_bytes = 1 << 20}, {}};
  CleaningOutcome outcome_;
  bool has_ended_ = false;
};

TEST_F(CleaningRunTest, CleansTheLog) {
  begin();
  EXPECT_FALSE(has_ended_) << "it pauses, or the tests below say nothing";
  go_on_to_the_end();

  EXPECT_EQ(outcome_.passes, 1U);
  EXPECT_FALSE(outcome_.has_failed);
  EXPECT_GT(outcome_.records_dropped, 50U);
}

TEST_F(CleaningRunTest, APassThatRetentionOvertakesIsNoFailure) {
  begin();
  ASSERT_TRUE(log().advance_log_start({60}));
  write_manifest(log());
  const Result<std::size_t> removed = log().remove_segments_below_start();
  ASSERT_TRUE(removed && *removed >= 2);
  go_on_to_the_end();

  EXPECT_EQ(outcome_.passes, 0U);
  EXPECT_FALSE(outcome_.has_failed);

  begin();
  go_on_to_the_end();
  EXPECT_EQ(outcome_.passes, 1U) << "and it is not put off";
  EXPECT_FALSE(outcome_.has_failed);
}

}  // namespace
}  // namespace tidelog::broker
