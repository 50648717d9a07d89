// A disk that fails while topics are made: the one sync of many new partitions is about everything else that was written as well.
#include "broker/config/broker_options.h"
#include "tests/sim/broker_handle.h"
#include "tests/sim/client.h"
#include "tests/sim/crash_leaks.h"
#include "tests/sim/env.h"
#include "tests/support/faulty_files.h"
#include "tests/support/memory_files.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 12;  // More than are synced one by one.
const broker::Endpoint kAddress{.host = "node", .port = 9092};

class CreationFaults : public ::testing::Test {
 protected:
  CreationFaults() { EXPECT_TRUE(disk_.make_directory(".")); }

  /// Starts a broker, has `then` done once it serves, and ends its process. What it said when it gave up; empty: it did not.
  std::string run(std::string_view name, const std::function<void(BrokerHandle&)>& then) {
    SimEnv env({world_, network_, faults_}, name, 1);
    const std::unique_ptr<BrokerHandle> broker = real_broker()(
        env, {.directory = "data", .listen = kAddress, .index_bytes = 10'000'000, .index_interval_bytes = 4096, .partitions = kPartitions});
    broker->start();
    EXPECT_TRUE(world_.run_until([&] { return broker->ready() || !broker->failure().empty(); }, world_.now() + 60s));
    if (broker->ready()) then(*broker);
    std::string failure = broker->failure();
    env.kill(false);
    return failure;
  }

  /// Asks for a topic until it can be used, or the broker is gone.
  void make_topic(BrokerHandle& broker) {
    ClientWorld clients{
        .world = world_, .network = network_, .broker = kAddress, .topic = "events", .partitions = kPartitions, .history = history_};
    SimEnv env({world_, network_, disk_}, "client", 1);
    auto& loop = static_cast<SimLoop&>(*env.loops()[0]);
    asio::co_spawn(loop.executor(), sim::make_topic(clients, loop, world_.dice("client")), asio::detached);
    EXPECT_TRUE(world_.run_until([&] { return clients.is_topic_ready || !broker.failure().empty(); }, world_.now() + 60s));
    env.kill(false);
  }

  const CrashLeaks leaks_;
  World world_{1};
  SimNetwork network_{world_, world_.dice("network")};
  testing::MemoryFiles disk_;
  testing::FaultyFiles faults_{disk_};
  History history_;
};

TEST_F(CreationFaults, AFailedSyncOfManyNewPartitionsIsOneOfTheWholeDisk) {
  const std::string failure = run("first", [&](BrokerHandle& broker) {
    faults_.fail_next("sync_disk");
    make_topic(broker);
  });

  EXPECT_NE(failure.find("nothing is acknowledged any more"), std::string::npos) << failure;
  EXPECT_TRUE(disk_.exists("data/sync-failed"));

  // What the sync was about is stored anew by the next start, or not taken for stored.
  disk_.call_all_clean();
  EXPECT_EQ(run("second", [&](BrokerHandle& broker) { make_topic(broker); }), "");
  disk_.crash();
  EXPECT_EQ(run("third", [&](BrokerHandle& broker) { make_topic(broker); }), "");
}

// No manifest knows of them yet: of each, names and identity may not be on the disk.
TEST_F(CreationFaults, AStartSyncsManyThatACrashLeftAtOnce) {
  const auto have_topic = [&](BrokerHandle& broker) { make_topic(broker); };
  EXPECT_EQ(run("first", have_topic), "");
  faults_.fail_next("sync_disk");

  const std::string failure = run("second", [](BrokerHandle&) { ADD_FAILURE() << "it serves what may not be on the disk"; });

  EXPECT_NE(failure.find("data cannot be synced"), std::string::npos) << failure;
  disk_.call_all_clean();
  EXPECT_EQ(run("third", have_topic), "");
  disk_.crash();
  EXPECT_EQ(run("fourth", have_topic), "");
}

}  // namespace
}  // namespace tidelog::sim
