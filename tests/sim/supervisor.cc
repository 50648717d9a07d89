#include "tests/sim/supervisor.h"

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kLongestStop = 60s;
constexpr SteadyTime kLongestWaitForChange = 3s;
constexpr SteadyTime kRestAfterFailure = 100ms;
/// The smallest there is: it fills, and begins anew.
constexpr std::int64_t kJournalBytes = 1 << 20;

}  // namespace

Supervisor::Supervisor(const Host& host, const Plan& plan, const BrokerFactory& factory)
    : world_(host.world),
      network_(host.network),
      disk_(host.disk),
      plan_(plan),
      factory_(factory),
      liar_(host.disk, plan.has_groups ? "/__consumer_offsets-" : std::string("/") + kTopic + "-"),
      views_(host.world, host.world.dice("views")) {
  world_.on_check_failed = [this](const std::string& what) { on_check_failed(what); };
}

Supervisor::~Supervisor() {
  if (env_) env_->kill(false);
  broker_ = nullptr;
}

std::string Supervisor::failure() const {
  if (broker_ == nullptr) return "";
  return failed_check_.empty() ? broker_->failure() : "check failed: " + failed_check_;
}

void Supervisor::on_check_failed(const std::string& what) {
  failed_check_ = what;
  if (disk_.failures() == 0) bugs_.push_back("check failed: " + what);
  // The process is dead from here on, though its event goes on to unwind.
  disk_.stop_now();
  if (env_) network_.cut_off(env_->process());
}

void Supervisor::start() {
  if (broker_ != nullptr) return;
  const std::string name = "broker start " + std::to_string(++starts_);
  world_.say([&] { return name; });
  storage::FileSystem& files = plan_.sync_lies ? static_cast<storage::FileSystem&>(liar_) : disk_;
  const SimEnv::Parts parts{world_, network_, files, &views_};
  env_.emplace(parts, name, plan_.shards, plan_.skew);
  env_->blocking().delays = plan_.blocking;
  const BrokerSettings settings{.directory = kDataDirectory,
                                .listen = {.host = "node", .port = 9092},
                                .index_bytes = plan_.index_bytes,
                                .index_interval_bytes = plan_.index_interval_bytes,
                                .partitions = plan_.partitions,
                                .journal_bytes = plan_.has_journal ? kJournalBytes : 0,
                                .has_groups = plan_.has_groups,
                                .log = world_.log};
  broker_ = factory_(*env_, settings);
  broker_->start();
}

void Supervisor::end(const CrashPlan& crash) {
  if (broker_ == nullptr) return;
  if (crash.kind == EndKind::stop && is_ready() && stop_cleanly()) {
    world_.mark("a clean stop");
  } else if (crash.between_changes > 0) {
    wait_for_change(crash);
  }
  if (!is_ready()) world_.mark("a crash before the broker was ready");
  destroy(crash.kind, crash.loss);
}

bool Supervisor::stop_cleanly() {
  broker_->stop();
  const bool has_ended = world_.run_until([&] { return broker_->stopped() || !failure().empty(); }, world_.now() + kLongestStop);
  if (!has_ended) world_.mark("HUNG STOP");
  return broker_->stopped();
}

void Supervisor::wait_for_change(const CrashPlan& crash) {
  disk_.stop_after(crash.between_changes, [this] { network_.cut_off(env_->process()); });
  world_.run_until([&] { return disk_.is_stopped() || !failure().empty(); }, world_.now() + kLongestWaitForChange);
  if (disk_.is_stopped()) world_.mark("a crash between two changes of the disk");
}

void Supervisor::destroy(EndKind kind, const PowerLoss& loss) {
  const bool loses_power = kind != EndKind::kill;
  env_->kill(kind == EndKind::power_loss);
  broker_ = nullptr;
  env_.reset();
  failed_check_.clear();
  const Losses losses = disk_.crash(loses_power ? CrashKind::power_loss : CrashKind::process_kill, loss);
  world_.say([&] {
    std::string names;
    for (const std::string& name : losses.names) names += " " + name;
    return "the broker ended; lost " + std::to_string(losses.dropped_writes) + " writes, " + std::to_string(losses.dropped_names) +
           " names, tore " + std::to_string(losses.torn_writes) + " writes" + (names.empty() ? "" : ";" + names);
  });
  if (losses.dropped_writes > 0) world_.mark("unsynced data was dropped");
  if (losses.dropped_names > 0) world_.mark("an unsynced name was dropped");
  if (losses.torn_writes > 0) world_.mark("a write was torn");
  tore_ = losses.torn_writes > 0;
}

void Supervisor::restart_if_failed() {
  if (is_ready() && std::exchange(tore_, false)) world_.mark("a start after a torn write");
  if (is_ready() && broker_->has_restored()) world_.mark("records came from the journal");
  if (failure().empty()) return;
  world_.say([&] { return "the broker gave up: " + failure(); });
  world_.mark("the broker gave up");
  destroy(EndKind::kill, {});
  world_.schedule_in(kRestAfterFailure, {.kind = EventKind::fault, .process = 0, .detail = 0}, [this] { start(); });
}

}  // namespace tidelog::sim
