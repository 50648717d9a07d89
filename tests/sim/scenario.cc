#include "tests/sim/scenario.h"

#include "tests/sim/crash_leaks.h"
#include "tests/sim/supervisor.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

/// Virtual time within which everything has to be well once nothing fails any more.
constexpr SteadyTime kHealed = 300s;

class Run {
 public:
  Run(const Plan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log)
      : plan_(plan),
        world_(plan.seed),
        network_(world_, world_.dice("network")),
        disk_(world_, world_.dice("disk")),
        supervisor_({.world = world_, .network = network_, .disk = disk_}, plan_, factory),
        client_env_({world_, network_, disk_}, "clients", 1),
        clients_{.world = world_,
                 .network = network_,
                 .broker = {.host = "node", .port = 9092},
                 .topic = Supervisor::kTopic,
                 .partitions = plan.partitions,
                 .history = history_} {
    if (log) world_.log = [this, log](const std::string& line) { log(std::to_string(world_.now().count() / 1000) + " us  " + line); };
    network_.faults = plan.network;
    disk_.faults = plan.disk;
  }

  RunResult run();

 private:
  void spawn_clients();
  asio::awaitable<void> produce_when_ready(SimProducer& producer);
  asio::awaitable<void> consume_when_ready(SimConsumer& consumer);
  void schedule_full_disk();
  void fill_disk(std::uint64_t bytes_left);
  void live_through(const CrashPlan& crash);
  void heal();
  /// Nothing: it could not be read.
  std::optional<std::map<int, FinalLog>> read_all();
  void require(bool holds, const std::string& what) {
    if (!holds) history_.violations.push_back(what);
  }
  /// Runs the world, restarting a broker that gives up.
  bool run_until(const std::function<bool()>& done, SteadyTime limit);
  [[nodiscard]] bool producers_are_done() const {
    return std::ranges::all_of(producers_, [](const auto& producer) { return producer->is_done(); });
  }
  SimLoop& loop() { return static_cast<SimLoop&>(*client_env_.loops()[0]); }
  void look_for_rolls();
  RunResult result(const std::optional<std::map<int, FinalLog>>& logs);

  Plan plan_;
  World world_;
  SimNetwork network_;
  SimDisk disk_;
  History history_;
  Supervisor supervisor_;
  std::vector<std::unique_ptr<SimProducer>> producers_;
  std::vector<std::unique_ptr<SimConsumer>> consumers_;
  SimEnv client_env_;
  ClientWorld clients_;
};

bool Run::run_until(const std::function<bool()>& done, SteadyTime limit) {
  const auto done_or_failed = [&] {
    supervisor_.restart_if_failed();
    return done();
  };
  return world_.run_until(done_or_failed, limit);
}

void Run::spawn_clients() {
  Dice dice = world_.dice("clients");
  asio::co_spawn(loop().executor(), make_topic(clients_, loop(), dice.split("topic")), asio::detached);
  for (const ProducerPlan& plan : plan_.producers) {
    producers_.push_back(
        std::make_unique<SimProducer>(clients_, loop(), plan, dice.split("producer").split(static_cast<std::uint64_t>(plan.id))));
    asio::co_spawn(loop().executor(), produce_when_ready(*producers_.back()), asio::detached);
  }
  for (const ConsumerPlan& plan : plan_.consumers) {
    consumers_.push_back(
        std::make_unique<SimConsumer>(clients_, loop(), plan, dice.split("consumer").split(static_cast<std::uint64_t>(plan.id))));
    asio::co_spawn(loop().executor(), consume_when_ready(*consumers_.back()), asio::detached);
  }
}

asio::awaitable<void> Run::produce_when_ready(SimProducer& producer) {
  while (!clients_.is_topic_ready) co_await loop().sleep(10ms);
  co_await producer.run();
}

asio::awaitable<void> Run::consume_when_ready(SimConsumer& consumer) {
  while (!clients_.is_topic_ready) co_await loop().sleep(10ms);
  co_await consumer.run();
}

void Run::fill_disk(std::uint64_t bytes_left) {
  world_.say([] { return std::string("the disk is full"); });
  world_.mark("the disk was full");
  disk_.faults.capacity_bytes = disk_.used_bytes() + bytes_left;
}

void Run::schedule_full_disk() {
  const Fact fact{.kind = EventKind::fault, .process = 0, .detail = 0};
  for (const FullDiskPlan& full : plan_.full_disk) {
    world_.schedule_in(full.after, fact, [this, &full] { fill_disk(full.bytes_left); });
    world_.schedule_in(full.after + full.lasts, fact, [this] { disk_.faults.capacity_bytes = UINT64_MAX; });
  }
}

void Run::live_through(const CrashPlan& crash) {
  const SteadyTime at = world_.now() + crash.after;
  run_until([] { return false; }, at);
  supervisor_.end(crash);
  world_.run_for(crash.down);
  supervisor_.start();
}

void Run::heal() {
  world_.say([] { return std::string("from here on nothing fails any more"); });
  network_.heal();
  const bool disk_failed = disk_.failures() > 0;
  disk_.faults = {.write_latency_ns = plan_.disk.write_latency_ns, .sync_latency_ns = plan_.disk.sync_latency_ns};
  if (!disk_failed) return;
  // A partition that its disk failed is served again after a restart: what an operator does who replaced the disk.
  supervisor_.end({.kind = EndKind::stop, .loss = plan_.last.loss});
  supervisor_.start();
}

std::optional<std::map<int, FinalLog>> Run::read_all() {
  SimConsumer reader(clients_, loop(), {.id = 99, .max_wait = 100ms, .leaves_at_end = true}, world_.dice("reader"));
  clients_.should_stop = false;
  asio::co_spawn(loop().executor(), reader.run(), asio::detached);
  const bool is_read = run_until([&] { return reader.is_done(); }, world_.now() + kHealed);
  require(is_read, "not everything could be read in the end: " + reader.state() + supervisor_.failure());
  std::map<int, FinalLog> logs;
  for (std::size_t i = 0; i < reader.seen().size(); ++i) logs[static_cast<int>(i)] = reader.seen()[i];
  if (is_read) return logs;
  client_env_.kill(false);  // Its coroutine refers to `reader`.
  return std::nullopt;
}

void Run::look_for_rolls() {
  const std::vector<std::string> files = disk_.all_files();
  const bool has_rolled = std::ranges::any_of(files, [](const std::string& path) {
    return path.find(std::string("/") + Supervisor::kTopic) != std::string::npos && path.ends_with(".log") &&
           !path.ends_with("/00000000000000000000.log");
  });
  if (has_rolled) world_.mark("a segment was rolled");
}

RunResult Run::result(const std::optional<std::map<int, FinalLog>>& logs) {
  RunResult result{.violations = logs ? check(history_, *logs) : history_.violations,
                   .trace_hash = world_.trace_hash(),
                   .marks = world_.marks(),
                   .steps = world_.steps()};
  if (world_.ran_away()) result.violations.push_back("a loop never rests");
  if (world_.marks().contains("HUNG STOP")) result.violations.push_back("a clean stop never ended");
  for (const std::string& bug : supervisor_.bugs()) result.violations.push_back(bug);
  result.records_sent = history_.sent.size();
  for (const auto& [value, sent] : history_.sent) result.records_acked += sent.outcome == Outcome::acked ? 1 : 0;
  if (logs) {
    for (const auto& [partition, log] : *logs) result.records_found += log.size();
  }
  return result;
}

RunResult Run::run() {
  if (plan_.directory_exists) {
    require(disk_.make_directory(Supervisor::kDataDirectory).has_value() && disk_.sync_dir("/").has_value(), "no directory");
  }
  if (plan_.has_journal) {
    require(disk_.make_directory(std::string(Supervisor::kDataDirectory) + "/journal").has_value() && disk_.sync_dir("/").has_value(),
            "no directory for the journal");
  }
  supervisor_.start();
  spawn_clients();
  schedule_full_disk();
  for (const CrashPlan& crash : plan_.crashes) live_through(crash);
  run_until([&] { return clients_.is_topic_ready && producers_are_done(); }, world_.now() + 5s);
  heal();
  const bool is_done = run_until([&] { return clients_.is_topic_ready && producers_are_done(); }, world_.now() + kHealed);
  require(clients_.is_topic_ready, "the topic could not be made " + supervisor_.failure());
  for (const auto& producer : producers_) require(producer->is_done(), "did not finish: " + producer->state());
  clients_.should_stop = true;
  run_until([&] { return std::ranges::all_of(consumers_, [](const auto& consumer) { return consumer->is_done(); }); },
            world_.now() + kHealed);
  // Without an end there is nothing to hold against: only why there is none.
  if (!is_done) return result(std::nullopt);
  supervisor_.end(plan_.last);
  look_for_rolls();
  supervisor_.start();
  return result(read_all());
}

}  // namespace

RunResult run(const Plan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log) {
  const CrashLeaks leaks;
  return Run(plan, factory, log).run();
}

}  // namespace tidelog::sim
