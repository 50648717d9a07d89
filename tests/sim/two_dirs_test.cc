// A broker with two log directories on two disks, one of which fails: what is on the other goes on, and what was acknowledged on the failed
// one is there again once it is mended.
#include "proto/messages/describe_log_dirs_request.h"
#include "proto/messages/describe_log_dirs_response.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"
#include "tests/sim/broker_handle.h"
#include "tests/sim/checker.h"
#include "tests/sim/consumer.h"
#include "tests/sim/crash_leaks.h"
#include "tests/sim/disk.h"
#include "tests/sim/env.h"
#include "tests/sim/joined_disks.h"
#include "tests/sim/producer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 4;  // By turns in the first and the second directory.
constexpr SteadyTime kPatience = 300s;
constexpr std::uint64_t kSeeds = 300;
const broker::Endpoint kAddress{.host = "node", .port = 9092};
const std::string kFirst = "/first";
const std::string kSecond = "/second";

bool is_on_second(int partition) { return partition % 2 == 1; }

/// What the broker says of itself.
struct View {
  std::map<std::int32_t, std::int32_t> leaders;
  std::map<std::int32_t, std::size_t> offline_replicas;
  std::map<std::string, ErrorCode> dirs;
};

/// One run: everything in it follows from the seed.
class TwoDirs {
 public:
  explicit TwoDirs(std::uint64_t seed) : world_(seed), dice_(world_.dice("two dirs")) {
    world_.on_check_failed = [this](const std::string& what) { failed_check_ = what; };
    // Where a disk is mounted there is a directory, before and after anything else.
    EXPECT_TRUE(second_.make_directory(kSecond) && second_.sync_dir("/"));
    first_.faults.sync_latency_ns = second_.faults.sync_latency_ns = 2'000'000;
    shards_ = dice_.between(1, 3);
    if (!dice_.chance(500)) return;
    // Who had a journal before opens it when it starts.
    journal_bytes_ = 1 << 20;
    EXPECT_TRUE(first_.make_directory(kFirst + "/journal") && first_.sync_dir("/") && first_.sync_dir(kFirst));
    EXPECT_TRUE(second_.make_directory(kSecond + "/journal") && second_.sync_dir(kSecond));
  }
  ~TwoDirs() { end(CrashKind::process_kill); }

  void start() {
    SimEnv::Parts parts{world_, network_, files_};
    env_.emplace(parts, "broker start " + std::to_string(++starts_), shards_);
    broker_ = real_broker()(*env_, {.directory = kFirst,
                                    .more_directories = {kSecond},
                                    .listen = kAddress,
                                    .index_bytes = 10'000'000,
                                    .index_interval_bytes = 4096,
                                    .partitions = kPartitions,
                                    .journal_bytes = journal_bytes_,
                                    .log = world_.log});
    broker_->start();
    EXPECT_TRUE(world_.run_until([&] { return broker_->ready() || has_failed(); }, world_.now() + kPatience));
    EXPECT_FALSE(has_failed()) << failure();
    if (broker_->has_restored()) world_.mark("records came from the journal");
  }
  void end(CrashKind kind) {
    if (broker_ == nullptr) return;
    const PowerLoss loss{.keep_per_mille = dice_.below(1000), .tear_per_mille = dice_.below(500)};
    env_->kill(kind == CrashKind::power_loss);
    broker_ = nullptr;
    env_.reset();
    first_.crash(kind, loss);
    second_.crash(kind, loss);
  }
  void stop() {
    broker_->stop();
    EXPECT_TRUE(world_.run_until([&] { return broker_->stopped() || has_failed(); }, world_.now() + 60s));
    EXPECT_TRUE(broker_->stopped()) << "a clean stop never ended " << failure();
    end(CrashKind::power_loss);
  }

  /// A producer for each partition, and one consumer of all.
  void spawn_clients() {
    asio::co_spawn(loop().executor(), make_topic(clients_, loop(), world_.dice("topic")), asio::detached);
    EXPECT_TRUE(run_until([&] { return clients_.is_topic_ready; }));
    for (int i = 0; i < kPartitions; ++i) {
      const ProducerPlan plan{.id = i, .batches = 60, .pause = 30ms, .only_partition = i};
      producers_.push_back(std::make_unique<SimProducer>(clients_, loop(), plan, world_.dice("producer " + std::to_string(i))));
      asio::co_spawn(loop().executor(), producers_.back()->run(), asio::detached);
    }
    asio::co_spawn(loop().executor(), consumer_.run(), asio::detached);
  }
  bool run_until(const std::function<bool()>& done) {
    return world_.run_until([&] { return done() || has_failed(); }, world_.now() + kPatience) && done();
  }
  [[nodiscard]] bool are_done(const std::function<bool(int)>& whose) const {
    for (int i = 0; i < kPartitions; ++i) {
      if (whose(i) && !producers_[static_cast<std::size_t>(i)]->is_done()) return false;
    }
    return true;
  }
  [[nodiscard]] std::size_t acked_on_second() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        history_.sent, [](const auto& sent) { return sent.second.outcome == Outcome::acked && is_on_second(sent.second.partition); }));
  }

  View look() {
    View view;
    bool is_there = false;
    asio::co_spawn(loop().executor(), ask(view, is_there), asio::detached);
    EXPECT_TRUE(run_until([&] { return is_there; }));
    return view;
  }

  /// Everything there is, held against what clients were told.
  std::vector<std::string> read_and_check() {
    clients_.should_stop = true;
    EXPECT_TRUE(run_until([&] { return consumer_.is_done(); }));
    clients_.should_stop = false;
    SimConsumer reader(clients_, loop(), {.id = 99, .max_wait = 100ms, .leaves_at_end = true}, world_.dice("reader"));
    asio::co_spawn(loop().executor(), reader.run(), asio::detached);
    if (!run_until([&] { return reader.is_done(); })) {
      client_env_.kill(false);  // Its coroutine refers to `reader`.
      return {"not everything could be read: " + reader.state() + failure()};
    }
    std::map<int, FinalLog> logs;
    for (std::size_t i = 0; i < reader.seen().size(); ++i) logs[static_cast<int>(i)] = reader.seen()[i];
    return check(history_, logs);
  }

  [[nodiscard]] bool has_failed() const { return !failure().empty(); }
  [[nodiscard]] std::string failure() const { return failed_check_.empty() ? broker_->failure() : "check failed: " + failed_check_; }
  Dice& dice() { return dice_; }
  SimDisk& second() { return second_; }
  SimDisk& first() { return first_; }
  JoinedDisks& files() { return files_; }
  World& world() { return world_; }

 private:
  SimLoop& loop() { return static_cast<SimLoop&>(*client_env_.loops()[0]); }

  asio::awaitable<void> ask(View& view, bool& is_there) {
    Dice dice = world_.dice("asker " + std::to_string(world_.steps()));
    while (!is_there) {
      const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients_, loop(), dice);
      if (connection != nullptr) is_there = co_await ask(*connection, view);
    }
  }
  asio::awaitable<bool> ask(KafkaConnection& connection, View& view) {
    const std::vector<proto::MetadataRequest::MetadataRequestTopic> topics{{.name = clients_.topic}};
    proto::MetadataRequest request;
    request.topics = topics;
    proto::MetadataResponse metadata;
    const bool is_answered = co_await connection.call(request, 9, metadata);
    if (!is_answered) co_return false;
    for (const auto& topic : metadata.topics) {
      for (const auto& partition : topic.partitions) {
        view.leaders[partition.partition_index] = partition.leader_id;
        view.offline_replicas[partition.partition_index] = partition.offline_replicas.size();
      }
    }
    proto::DescribeLogDirsRequest dirs;
    dirs.topics = proto::Array<proto::DescribeLogDirsRequest::DescribableLogDirTopic>::null();
    proto::DescribeLogDirsResponse described;
    const bool is_described = co_await connection.call(dirs, 4, described);
    if (!is_described) co_return false;
    for (const auto& dir : described.results) view.dirs[std::string(dir.log_dir)] = static_cast<ErrorCode>(dir.error_code);
    co_return true;
  }

  World world_;
  Dice dice_;
  SimNetwork network_{world_, world_.dice("network")};
  SimDisk first_{world_, world_.dice("first disk")};
  SimDisk second_{world_, world_.dice("second disk")};
  JoinedDisks files_{first_, second_, kSecond};
  std::size_t shards_ = 1;
  std::int64_t journal_bytes_ = 0;
  History history_;
  std::string failed_check_;
  std::optional<SimEnv> env_;
  std::unique_ptr<BrokerHandle> broker_;
  int starts_ = 0;
  SimEnv client_env_{{world_, network_, first_}, "clients", 1};
  ClientWorld clients_{
      .world = world_, .network = network_, .broker = kAddress, .topic = "events", .partitions = kPartitions, .history = history_};
  std::vector<std::unique_ptr<SimProducer>> producers_;
  SimConsumer consumer_{clients_, loop(), {.id = 1, .max_wait = 200ms}, world_.dice("consumer")};
};

void expect_second_is_offline(const View& view) {
  for (int i = 0; i < kPartitions; ++i) {
    EXPECT_EQ(view.leaders.at(i), is_on_second(i) ? -1 : 1);
    EXPECT_EQ(view.offline_replicas.at(i), is_on_second(i) ? 1U : 0U);
  }
  EXPECT_EQ(view.dirs.at(kFirst), ErrorCode::none);
  EXPECT_EQ(view.dirs.at(kSecond), ErrorCode::kafka_storage_error);
}

void expect_all_is_well(const View& view) {
  for (int i = 0; i < kPartitions; ++i) EXPECT_EQ(view.leaders.at(i), 1);
  EXPECT_EQ(view.dirs.at(kSecond), ErrorCode::none);
}

/// The second disk fails while it is written to, by a sync or by a write.
void fail_second(TwoDirs& run) {
  const std::size_t acked = run.dice().between(0, 40);
  EXPECT_TRUE(run.run_until([&] { return run.acked_on_second() >= acked; }));
  DiskFaults& faults = run.second().faults;
  const bool by_sync = run.dice().chance(600);
  run.world().mark(by_sync ? "a sync failed" : "a write failed");
  (by_sync ? faults.sync_errors : faults.write_errors) = 1;
  (by_sync ? faults.sync_error_per_mille : faults.write_error_per_mille) = 1000;
  EXPECT_TRUE(run.run_until([&] { return run.second().failures() > 0; }));
}

void run_seed(std::uint64_t seed, std::map<std::string, std::uint64_t>& marks) {
  const CrashLeaks leaks;
  TwoDirs run(seed);
  run.start();
  run.spawn_clients();
  fail_second(run);

  // What is on the other disk is served to its end, and nothing of the failed one pretends to be.
  EXPECT_TRUE(run.run_until([&] { return run.are_done([](int i) { return !is_on_second(i); }); })) << run.failure();
  EXPECT_FALSE(run.are_done(is_on_second)) << "a partition of the failed directory went on";
  expect_second_is_offline(run.look());

  // It stays so over a restart that does not find the disk, and nothing of it is made anew elsewhere.
  if (run.dice().chance(500)) {
    run.stop();
  } else {
    run.end(run.dice().chance(500) ? CrashKind::process_kill : CrashKind::power_loss);
  }
  run.files().is_unplugged = true;
  run.start();
  expect_second_is_offline(run.look());
  const std::vector<std::string> there = run.first().all_files();
  EXPECT_TRUE(std::ranges::none_of(there, [](const std::string& path) { return path.contains("events-1") || path.contains("events-3"); }));
  run.end(run.dice().chance(500) ? CrashKind::process_kill : CrashKind::power_loss);

  run.files().is_unplugged = false;
  run.second().faults = {.sync_latency_ns = 2'000'000};
  run.start();
  EXPECT_TRUE(run.run_until([&] { return run.are_done([](int) { return true; }); })) << run.failure();
  expect_all_is_well(run.look());
  run.end(CrashKind::power_loss);
  run.start();
  EXPECT_EQ(run.read_and_check(), std::vector<std::string>());
  for (const auto& [mark, count] : run.world().marks()) marks[mark] += count;
}

TEST(TwoDirs, OneThatFailsLeavesTheOtherAndComesBackWhole) {
  std::map<std::string, std::uint64_t> marks;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    run_seed(seed, marks);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
  // Or their silence means nothing.
  for (const char* mark : {"a sync failed", "a write failed", "records came from the journal"}) EXPECT_GT(marks[mark], 0U) << mark;
}

/// What a failed sync lost is not known by directory.
TEST(TwoDirs, OnOneFileSystemTheyFailTogether) {
  const CrashLeaks leaks;
  TwoDirs run(1);
  run.files().look_like_one = true;
  run.start();
  run.spawn_clients();
  run.second().faults.sync_errors = 1;
  run.second().faults.sync_error_per_mille = 1000;

  EXPECT_TRUE(run.world().run_until([&] { return run.has_failed(); }, run.world().now() + kPatience));

  EXPECT_NE(run.failure().find("nothing is acknowledged any more"), std::string::npos) << run.failure();
  EXPECT_NE(run.first().file(kFirst + "/sync-failed"), nullptr);
  EXPECT_NE(run.second().file(kSecond + "/sync-failed"), nullptr);
}

/// The same with the directory that has the metadata log: the broker gives up, as one with a single directory does.
TEST(TwoDirs, TheOneWithTheMetadataLogEndsTheBroker) {
  const CrashLeaks leaks;
  TwoDirs run(1);
  run.start();
  run.spawn_clients();
  run.first().faults.sync_errors = 1;
  run.first().faults.sync_error_per_mille = 1000;

  EXPECT_TRUE(run.world().run_until([&] { return run.has_failed(); }, run.world().now() + kPatience));

  EXPECT_NE(run.failure().find("nothing is acknowledged any more"), std::string::npos) << run.failure();
}

}  // namespace
}  // namespace tidelog::sim
