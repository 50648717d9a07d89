#pragma once

#include "cli/doctor/cluster_view.h"
#include "cli/doctor/finding.h"

namespace tidelog::cli {

/// What is wrong with a cluster that can be reached: the controller, and partitions that cannot be written, read or lost safely.
/// One finding a kind, with examples; a single `ok` if there is none.
std::vector<Finding> judge_health(const ClusterView& view);

/// What is wrong with the addresses that brokers advertise, before any of them is dialed.
std::vector<Finding> judge_addresses(const ClusterView& view);

}  // namespace tidelog::cli
