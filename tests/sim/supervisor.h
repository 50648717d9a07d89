#pragma once

#include "tests/sim/broker_handle.h"
#include "tests/sim/lying_disk.h"
#include "tests/sim/plan.h"

#include <optional>

namespace tidelog::sim {

/// What the broker runs on.
struct Host {
  World& world;
  SimNetwork& network;
  SimDisk& disk;
};

/// Starts the one broker of a run, ends it as told, and starts it again, as the plan says or because it gave up.
/// Life: outlives its broker; ends it by a kill when destroyed.
class Supervisor {
 public:
  Supervisor(const Host& host, const Plan& plan, const BrokerFactory& factory);
  ~Supervisor();

  /// Nothing if it runs.
  void start();
  [[nodiscard]] bool is_ready() const { return broker_ != nullptr && broker_->ready(); }
  /// Why the broker gave up; empty: it did not.
  [[nodiscard]] std::string failure() const;
  /// Checks that failed though the disk did nothing wrong.
  [[nodiscard]] const std::vector<std::string>& bugs() const { return bugs_; }
  /// Runs the world until the broker ended as `crash` says. Only a stop, or a crash between two changes, takes time.
  void end(const CrashPlan& crash);
  /// A broker that gave up is a process that ended: it is started again a moment later. Call between events.
  void restart_if_failed();
  /// A directory of the broker's data.
  static constexpr const char* kDataDirectory = "/data";
  static constexpr const char* kTopic = "events";

 private:
  void on_check_failed(const std::string& what);
  void wait_for_change(const CrashPlan& crash);
  void destroy(EndKind kind, const PowerLoss& loss);
  bool stop_cleanly();

  World& world_;
  SimNetwork& network_;
  SimDisk& disk_;
  const Plan& plan_;
  const BrokerFactory& factory_;
  LyingDisk liar_;
  SimViews views_;
  std::optional<SimEnv> env_;
  std::unique_ptr<BrokerHandle> broker_;
  int starts_ = 0;
  std::string failed_check_;
  std::vector<std::string> bugs_;
  bool tore_ = false;  ///< The last power loss tore a write: the next start has to cope with it.
};

}  // namespace tidelog::sim
