// A start that the disk cuts short loses nothing: what only the journal has is there for the next one.
#include "broker/config/broker_options.h"
#include "broker/log_dir.h"
#include "proto/record/builder.h"
#include "storage/log/log.h"
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

constexpr const char* kData = "data";
constexpr const char* kTopic = "events";
constexpr int kPartitions = 2;
const broker::Endpoint kAddress{.host = "node", .port = 9092};

std::vector<std::byte> batch_at(Offset base) {
  proto::BatchBuilder builder;
  const std::string value(200, static_cast<char>('a' + base.value));
  builder.append({.timestamp = {1000}, .key = {}, .value = std::as_bytes(std::span(value)), .headers = {}});
  const Bytes bytes = builder.build({.base_offset = base, .leader_epoch = {0}});
  return {bytes.begin(), bytes.end()};
}

/// A machine that lost power: each of its logs has one batch in synced files and the next one, acknowledged, in the journal alone.
class Machine {
 public:
  Machine() {
    world_.on_check_failed = [this](const std::string& what) { failed_check_ = what; };
    EXPECT_TRUE(disk_.make_directory("."));
    make_topic();
    acknowledge();
    disk_.crash();
  }

  /// Starts a broker and ends its process once it serves, or has given up. False: it gave up.
  bool start(std::string_view name) {
    SimEnv env({world_, network_, faults_}, name, 1);
    const std::unique_ptr<BrokerHandle> broker = real_broker()(env, settings());
    broker->start();
    failed_check_.clear();
    const bool has_ended =
        world_.run_until([&] { return broker->ready() || !broker->failure().empty() || !failed_check_.empty(); }, world_.now() + 60s);
    EXPECT_TRUE(has_ended) << "it neither serves nor gives up";
    const bool is_ready = broker->ready() && failed_check_.empty();
    env.kill(false);
    return is_ready;
  }

  void expect_all_acknowledged(std::size_t call) const {
    for (int partition = 0; partition < kPartitions; ++partition) {
      const std::string directory = std::string(kData) + "/" + kTopic + "-" + std::to_string(partition);
      std::vector<std::byte> stored;
      // After a disk that failed the journal's batch stands in a segment of its own.
      for (const std::string& file : disk_.names(directory)) {
        if (!file.ends_with(".log")) continue;
        const std::vector<std::byte> bytes = disk_.contents(directory + "/" + file);
        stored.insert(stored.end(), bytes.begin(), bytes.end());
      }
      EXPECT_EQ(stored, acknowledged_[static_cast<std::size_t>(partition)]) << directory << ", call " << call;
    }
  }

  [[nodiscard]] testing::MemoryFiles& disk() { return disk_; }
  [[nodiscard]] testing::FaultyFiles& faults() { return faults_; }

 private:
  /// No journal for new rounds: what is there of one is what an earlier broker left.
  static BrokerSettings settings() {
    return {.directory = kData, .listen = kAddress, .index_bytes = 10'000'000, .index_interval_bytes = 4096, .partitions = kPartitions};
  }

  void make_topic() {
    ClientWorld clients{
        .world = world_, .network = network_, .broker = kAddress, .topic = kTopic, .partitions = kPartitions, .history = history_};
    SimEnv env({world_, network_, disk_}, "first start", 1);
    SimEnv client_env({world_, network_, disk_}, "client", 1);
    const std::unique_ptr<BrokerHandle> broker = real_broker()(env, settings());
    broker->start();
    auto& loop = static_cast<SimLoop&>(*client_env.loops()[0]);
    asio::co_spawn(loop.executor(), sim::make_topic(clients, loop, world_.dice("client")), asio::detached);
    EXPECT_TRUE(world_.run_until([&] { return clients.is_topic_ready; }, world_.now() + 60s)) << broker->failure();
    client_env.kill(false);
    env.kill(false);
  }

  /// What a broker does with two batches for each partition: the first in a round of its own, the second of all in one of the journal.
  void acknowledge() {
    const auto dir = broker::LogDir::open(disk_, kData, {broker::BrokerOptions{}.node_id}, 0);
    ASSERT_TRUE(dir);
    const Uuid disk_id = Uuid::parse((*dir)->identity().directory_id);
    const auto journal =
        storage::Journal::open(disk_, {.log_dir = kData, .disk_id = disk_id}, {.files = 2, .file_bytes = 16 * storage::kJournalBlockBytes},
                               {.run_id = 1, .next_round = 1, .salt = 1});
    ASSERT_TRUE(journal);
    storage::Manifest manifest = (*dir)->manifest();
    manifest.replay_from = (*journal)->next();
    std::vector<std::vector<std::byte>> journaled;
    for (int partition = 0; partition < kPartitions; ++partition) {
      add_log((*dir)->place_of(kTopic, {partition}), {partition}, manifest);
      journaled.push_back(batch_at({1}));
      acknowledged_.back().insert(acknowledged_.back().end(), journaled.back().begin(), journaled.back().end());
    }
    storage::RoundBuilder round;
    for (std::size_t i = 0; i < journaled.size(); ++i) {
      round.add_batch(log_ids_[i], *storage::parse_batch_header(journaled[i]), journaled[i]);
    }
    ASSERT_TRUE((*journal)->write(round));
    ASSERT_TRUE(storage::store_manifest(disk_, kData, manifest));
  }

  void add_log(const storage::LogPlace& place, PartitionIndex partition, storage::Manifest& manifest) {
    const Result<storage::LogIdentity> identity = storage::read_identity(place);
    ASSERT_TRUE(identity);
    storage::RecoveryReport report;
    const auto log = storage::Log::open(place, {}, {.identity = *identity}, report);
    ASSERT_TRUE(log);
    acknowledged_.push_back(batch_at({0}));
    const Bytes view(acknowledged_.back());
    ASSERT_TRUE((*log)->append({&view, 1}));
    const storage::SyncTicket ticket = (*log)->begin_sync();
    ASSERT_TRUE(ticket.sync(disk_));
    (*log)->finish_sync(ticket);
    const TopicPartition id{.topic_id = identity->topic_id, .partition = partition};
    std::erase_if(manifest.logs, [&](const storage::ManifestEntry& entry) { return entry.partition == id; });
    manifest.logs.push_back({.partition = id, .log_id = identity->log_id, .recovery = (*log)->recovery_state()});
    log_ids_.push_back(identity->log_id);
  }

  const CrashLeaks leaks_;
  World world_{1};
  SimNetwork network_{world_, world_.dice("network")};
  testing::MemoryFiles disk_;
  testing::FaultyFiles faults_{disk_};
  History history_;
  std::string failed_check_;
  std::vector<std::vector<std::byte>> acknowledged_;  ///< By partition: what its file holds in the end.
  std::vector<std::uint64_t> log_ids_;
};

/// Whatever the start does with the call that fails: the one after it has everything, and has it on the disk.
void fail_every_call(Errc error) {
  std::size_t call = 0, ended = 0;
  for (bool has_failed = true; has_failed && !::testing::Test::HasFailure();) {
    Machine machine;
    machine.faults().fail_call(++call, error);
    ended += machine.start("the start that fails") ? 0 : 1;
    has_failed = machine.faults().has_failed();
    if (error == Errc::refused && machine.faults().failed_in_sync()) continue;  // No system refuses a sync.
    // The system keeps such pages and never writes them again by itself.
    if (machine.faults().failed_in_sync()) machine.disk().call_all_clean();
    SCOPED_TRACE("call " + std::to_string(call) + ": " + machine.faults().failed_call());
    machine.faults().heal();
    EXPECT_TRUE(machine.start("the start after it")) << "call " << call;
    machine.disk().crash();
    machine.expect_all_acknowledged(call);
  }
  EXPECT_GT(call, 50U) << "a start makes more calls than that";
  EXPECT_GT(ended, 10U) << "no start was cut short";
}

TEST(RecoveryFaults, LoseNothingThatOnlyTheJournalHasIfTheDiskFails) { fail_every_call(Errc::io); }
TEST(RecoveryFaults, LoseNothingThatOnlyTheJournalHasIfTheDiskIsFull) { fail_every_call(Errc::no_space); }
TEST(RecoveryFaults, LoseNothingThatOnlyTheJournalHasIfDescriptorsRunOut) { fail_every_call(Errc::refused); }

/// It is there again when the operator has put it back.
TEST(RecoveryFaults, ALogThatLostItsNameTagKeepsWhatTheJournalHasOfIt) {
  Machine machine;
  const std::string tag = std::string(kData) + "/" + kTopic + "-1/partition.metadata";
  const std::vector<std::byte> contents = machine.disk().contents(tag);
  ASSERT_TRUE(machine.disk().remove(tag));

  EXPECT_FALSE(machine.start("without it")) << "the journal was given up";
  machine.disk().set_contents(tag, contents);
  EXPECT_TRUE(machine.start("with it"));

  machine.expect_all_acknowledged(0);
}

}  // namespace
}  // namespace tidelog::sim
