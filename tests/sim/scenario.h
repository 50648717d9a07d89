#pragma once

#include "tests/sim/broker_handle.h"
#include "tests/sim/checker.h"
#include "tests/sim/plan.h"

namespace tidelog::sim {

struct RunResult {
  std::vector<std::string> violations;  ///< Empty: every promise was kept.
  std::uint64_t trace_hash = 0;
  std::map<std::string, std::uint64_t> marks;
  std::uint64_t steps = 0;
  std::uint64_t records_sent = 0;
  std::uint64_t records_acked = 0;
  std::uint64_t records_found = 0;
};

/// Runs a plan: the broker starts, clients work, it ends and starts again as the plan says; then every fault ends, the clients finish, the
/// broker ends once more, and everything is read and held against what clients were told. `log` gets one line per thing worth reading.
RunResult run(const Plan& plan, const BrokerFactory& factory, const std::function<void(const std::string&)>& log = nullptr);

}  // namespace tidelog::sim
