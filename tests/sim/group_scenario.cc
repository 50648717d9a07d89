#include "tests/sim/group_scenario.h"

#include "tests/sim/crash_leaks.h"
#include "tests/sim/supervisor.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

/// Virtual time within which everything has to be well once nothing fails any more.
constexpr SteadyTime kHealed = 120s;
constexpr SteadyTime kReadPause = 70ms;

class GroupRun {
 public:
  GroupRun(const GroupPlan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log)
      : plan_(plan),
        world_(plan.base.seed),
        network_(world_, world_.dice("network")),
        disk_(world_, world_.dice("disk")),
        supervisor_({.world = world_, .network = network_, .disk = disk_}, plan_.base, factory),
        client_env_({world_, network_, disk_}, "clients", 1),
        clients_{.world = world_,
                 .network = network_,
                 .broker = {.host = "node", .port = 9092},
                 .topic = Supervisor::kTopic,
                 .partitions = plan.base.partitions,
                 .history = history_} {
    if (log) world_.log = [this, log](const std::string& line) { log(std::to_string(world_.now().count() / 1000) + " us  " + line); };
    network_.faults = plan.base.network;
    disk_.faults = plan.base.disk;
    for (const GroupMemberPlan& member : plan.members) groups_.insert(member.group);
  }

  RunResult run();

 private:
  void spawn_clients();
  asio::awaitable<void> be_a_member(SimGroupMember& member);
  /// Reads what the groups have committed, again and again; once with `last_look`.
  asio::awaitable<void> look(bool is_last);
  void schedule_full_disk();
  void live_through(const CrashPlan& crash);
  void heal();
  /// Every partition has a reader that has committed since, and nobody moves any more.
  [[nodiscard]] bool has_settled(SteadyTime since);
  bool run_until(const std::function<bool()>& done, SteadyTime limit);
  void require(bool holds, const std::string& what) {
    if (!holds) history_.violations.push_back(what);
  }
  SimLoop& loop() { return static_cast<SimLoop&>(*client_env_.loops()[0]); }
  RunResult result();

  GroupPlan plan_;
  World world_;
  SimNetwork network_;
  SimDisk disk_;
  History history_;
  Supervisor supervisor_;
  std::set<std::string> groups_;
  GroupAudit audit_{world_, history_};
  std::vector<std::unique_ptr<SimGroupMember>> members_;
  bool has_looked_last_ = false;
  SimEnv client_env_;
  ClientWorld clients_;
};

bool GroupRun::run_until(const std::function<bool()>& done, SteadyTime limit) {
  const auto done_or_failed = [&] {
    supervisor_.restart_if_failed();
    return done();
  };
  return world_.run_until(done_or_failed, limit);
}

void GroupRun::spawn_clients() {
  const Dice dice = world_.dice("clients");
  asio::co_spawn(loop().executor(), make_topic(clients_, loop(), dice.split("topic")), asio::detached);
  for (const GroupMemberPlan& plan : plan_.members) {
    const Dice its = dice.split("member").split(static_cast<std::uint64_t>(plan.seat));
    members_.push_back(std::make_unique<SimGroupMember>(clients_, audit_, loop(), std::pair(plan, its)));
    asio::co_spawn(loop().executor(), be_a_member(*members_.back()), asio::detached);
  }
  asio::co_spawn(loop().executor(), look(false), asio::detached);
}

asio::awaitable<void> GroupRun::be_a_member(SimGroupMember& member) {
  while (!clients_.is_topic_ready) co_await loop().sleep(10ms);
  co_await member.run();
}

asio::awaitable<void> GroupRun::look(bool is_last) {
  Dice dice = world_.dice(is_last ? "last look" : "look");
  while (is_last ? !has_looked_last_ : !clients_.should_stop) {
    const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients_, loop(), dice);
    if (connection == nullptr) continue;
    const OffsetCaller caller{clients_, *connection, audit_};
    bool is_good = clients_.is_topic_ready;
    for (auto group = groups_.begin(); is_good && group != groups_.end(); ++group) is_good = co_await read_offsets(caller, *group);
    if (is_last && is_good) has_looked_last_ = true;
    co_await loop().sleep(kReadPause);
  }
}

void GroupRun::schedule_full_disk() {
  const Fact fact{.kind = EventKind::fault, .process = 0, .detail = 0};
  for (const FullDiskPlan& full : plan_.base.full_disk) {
    const auto fill = [this, &full] {
      world_.mark("the disk was full");
      disk_.faults.capacity_bytes = disk_.used_bytes() + full.bytes_left;
    };
    world_.schedule_in(full.after, fact, fill);
    world_.schedule_in(full.after + full.lasts, fact, [this] { disk_.faults.capacity_bytes = UINT64_MAX; });
  }
}

void GroupRun::live_through(const CrashPlan& crash) {
  run_until([] { return false; }, world_.now() + crash.after);
  supervisor_.end(crash);
  world_.run_for(crash.down);
  supervisor_.start();
}

void GroupRun::heal() {
  world_.say([] { return std::string("from here on nothing fails any more"); });
  network_.heal();
  const bool disk_failed = disk_.failures() > 0;
  disk_.faults = {.write_latency_ns = plan_.base.disk.write_latency_ns, .sync_latency_ns = plan_.base.disk.sync_latency_ns};
  for (const auto& member : members_) member->settle();
  if (!disk_failed) return;
  // A partition that its disk failed is served again after a restart.
  supervisor_.end({.kind = EndKind::stop, .loss = plan_.base.last.loss});
  supervisor_.start();
}

bool GroupRun::has_settled(SteadyTime since) {
  if (!std::ranges::all_of(members_, [](const auto& member) { return member->is_settled(); })) return false;
  for (const std::string& group : groups_) {
    for (int i = 0; i < clients_.partitions; ++i) {
      if (audit_.acknowledged_at({.group = group, .partition = i}) <= since) return false;
    }
  }
  return true;
}

RunResult GroupRun::result() {
  RunResult result{.violations = history_.violations, .trace_hash = world_.trace_hash(), .marks = world_.marks(), .steps = world_.steps()};
  if (world_.ran_away()) result.violations.push_back("a loop never rests");
  if (world_.marks().contains("HUNG STOP")) result.violations.push_back("a clean stop never ended");
  for (const std::string& bug : supervisor_.bugs()) result.violations.push_back(bug);
  return result;
}

RunResult GroupRun::run() {
  if (plan_.base.directory_exists) {
    require(disk_.make_directory(Supervisor::kDataDirectory).has_value() && disk_.sync_dir("/").has_value(), "no directory");
  }
  if (plan_.base.has_journal) {
    require(disk_.make_directory(std::string(Supervisor::kDataDirectory) + "/journal").has_value() && disk_.sync_dir("/").has_value(),
            "no directory for the journal");
  }
  supervisor_.start();
  spawn_clients();
  schedule_full_disk();
  for (const CrashPlan& crash : plan_.base.crashes) live_through(crash);
  run_until([] { return false; }, world_.now() + 2s);
  heal();
  const SteadyTime healed = world_.now();
  const bool is_settled = run_until([&] { return has_settled(healed); }, healed + kHealed);
  require(is_settled, "not every partition has a reader that commits " + supervisor_.failure());
  for (const auto& member : members_) require(is_settled || member->is_settled(), "does not come to rest: " + member->state());
  supervisor_.end(plan_.base.last);
  clients_.should_stop = true;
  supervisor_.start();
  asio::co_spawn(loop().executor(), look(true), asio::detached);
  require(run_until([&] { return has_looked_last_; }, world_.now() + kHealed), "what is committed could not be read in the end");
  return result();
}

}  // namespace

RunResult run_groups(const GroupPlan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log) {
  const CrashLeaks leaks;
  return GroupRun(plan, factory, log).run();
}

}  // namespace tidelog::sim
