#pragma once

#include "tests/attack/cases.h"

#include <functional>
#include <string>
#include <vector>

namespace tidelog::attack {

/// The broker's deadlines as it was told, for what must have happened by when.
struct Deadlines {
  Milliseconds whole_frame{30000};
  Milliseconds write_stall{30000};
  Milliseconds slack{5000};    ///< On a busy machine.
  Milliseconds search{30000};  ///< So long a search by time is asked to take at most; the broker has the same limit by itself.

  /// When a peer that does not read is gone: some answers fit into the kernel, each of which may wait for memory for two stalls.
  [[nodiscard]] Milliseconds unread() const { return 8 * write_stall + slack; }
  /// When a request is answered: it may take its time to come, then wait for the memory of its answer (docs/limits.md).
  [[nodiscard]] Milliseconds answer() const { return whole_frame + 2 * write_stall + slack; }
};

/// An attack by many connections that act together for seconds.
struct Siege {
  std::string name;
  Milliseconds lasts;  ///< At most, about.
  std::function<void()> run;
  Tally::Expected expected = Tally::Expected::answered;
};

/// Whom they attack, and what is known of it.
struct Battlefield {
  const Target& target;
  const Knowledge& known;
  const Deadlines& deadlines;
};

/// All that no API is needed for. What they are given outlives them, as it does all others. Thread: one runs them, one after the other.
std::vector<Siege> crowd_sieges(const Battlefield& field, Tally& tally, Dice& dice);

}  // namespace tidelog::attack
