#pragma once

#include "tests/attack/socket.h"
#include "tests/attack/tally.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::attack {

/// One connection's worth of attack: what is sent, and what must come of it.
struct Case {
  std::string family;
  std::string what;   ///< For the report of a hang.
  std::string bytes;  ///< A probe stands behind it if `is_probed`.
  bool is_probed = true;
  bool may_wait = false;  ///< A long poll was asked for: nothing may happen within the limit.
};

/// Cases one after the other; nothing once there are no more.
using Source = std::function<std::optional<Case>()>;

/// Plays cases on many connections at once. Each is over when the probe was answered, the broker closed, or the limit passed, which is a
/// hang. Thread: one.
class Engine {
 public:
  struct Limits {
    std::size_t connections = 200;
    Milliseconds hang{5000};
  };
  Engine(Target target, Limits limits, Tally& tally) : target_(target), limits_(limits), tally_(tally) {}

  /// Plays all of `source`, or what fits before `until`.
  void play(const Source& source, Clock::time_point until) { play(source, until, limits_.connections); }
  void play(const Source& source, Clock::time_point until, std::size_t connections);

 private:
  struct Slot {
    Socket socket;
    Case attack;
    std::string_view left;
    std::string got;
    Clock::time_point deadline;
    bool is_busy = false;
  };

  bool begin(Slot& slot, Case attack);
  /// Gives it something to do; false once there is nothing more.
  bool fill(Slot& slot, const Source& source, Clock::time_point until);
  void advance(Slot& slot);
  void finish(Slot& slot, Tally::Outcome outcome);
  void poll_slots(std::vector<Slot>& slots);
  /// Drops whole frames; true once the probe's answer came.
  static bool has_probe_answer(std::string& got);

  Target target_;
  Limits limits_;
  Tally& tally_;
  unsigned next_address_ = 0;
};

}  // namespace tidelog::attack
