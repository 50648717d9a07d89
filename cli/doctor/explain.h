#pragma once

#include "cli/doctor/finding.h"
#include "cli/doctor/kafka_dialog.h"

namespace tidelog::cli {

/// What is looked at, in the words of a finding.
struct Hop {
  std::string name;     ///< "bootstrap", "broker 3"
  std::string address;  ///< As it was dialed.
  bool is_bootstrap = false;
};

/// A failure in plain words, with what to do about it.
Finding explain(const HopFailure& failure, const Hop& hop, std::chrono::milliseconds timeout);

/// Whether clients go on to the next address of the name.
bool tries_next_address(HopTrouble trouble);

}  // namespace tidelog::cli
