#include "tests/attack/play.h"

#include "tests/attack/sieges.h"

namespace tidelog::attack {
namespace {

constexpr std::size_t kHeld = 1500;
constexpr std::size_t kFew = 2000;
constexpr std::size_t kMany = 10000;
constexpr std::size_t kSwollenBytes = 1 << 20;

/// On a slow machine what is exhaustive does not take the time of what follows.
Clock::time_point share_of(Clock::time_point until) {
  const Clock::time_point now = Clock::now();
  return now + (until - now) / 3;
}

Milliseconds longest(const Options& options) {
  return Deadlines{.whole_frame = options.ms("frame-ms"), .write_stall = options.ms("write-ms"), .slack = options.ms("slack-ms")}.answer();
}

}  // namespace

Play::Play(const Battle& battle, Tally& tally)
    : options_(battle.options),
      known_(battle.known),
      progress_(battle.progress),
      tally_(tally),
      frame_time_(options_.ms("frame-ms")),
      dice_(options_["seed"]),
      engine_({.port = static_cast<std::uint16_t>(options_["port"])}, {.connections = options_["connections"], .hang = longest(options_)},
              tally) {}

void Play::run(Clock::time_point until) {
  // What is small and may find something at once comes first; what is exhaustive fills the middle; chance has the rest.
  play("greetings", unhurried(greetings(known_), until), until);
  play("lengths", unhurried(frame_lengths(known_), until), until);
  play("hostile values", hostile_values(known_, dice_, kFew), until);
  play("bombs", bombs(known_), until);
  play("sealed batches", sealed_batches(known_, dice_, kFew), until);
  play("swollen", swollen_requests(known_, kSwollenBytes), share_of(until));
  play("cut, length fits", short_truncations(known_), share_of(until), Tally::Expected::tried);
  play_held(until);
  play("20,000,000 claimed", claimed_counts(known_), share_of(until));
  while (Clock::now() < until && progress_.is_broker_there()) {
    play("bit flips", bit_flips(known_, dice_, kMany), until);
    play("hostile values", hostile_values(known_, dice_, kMany), until);
    play("swollen", swollen_requests(known_, known_.request_max_bytes / (1 + dice_.below(8))), until);
    play("bombs", bombs(known_), until);
    play("sealed batches", sealed_batches(known_, dice_, kMany), until);
    if (!options_.only.empty()) return;
  }
}

/// False if it is not to be played; else it has to come to something.
bool Play::begin(const char* family, Clock::time_point until, Tally::Expected expected) {
  if (!options_.is_wanted(family) || Clock::now() >= until) return false;
  tally_.expect(family, expected);
  return true;
}

void Play::play(const char* family, const Source& source, Clock::time_point until, Tally::Expected expected) {
  if (!begin(family, until, expected)) return;
  const Progress::Stage timed = progress_.begin(family);
  engine_.play(source, until);
}

/// These wait for a deadline and do nothing else, so many can wait at once.
void Play::play_held(Clock::time_point until) {
  constexpr const char* kFamily = "cut, never completed";
  // There is nothing but waiting in it, so where there is no time for that it is left out.
  if (!has_time_to_wait(until) || !begin(kFamily, until, Tally::Expected::tried)) return;
  const Progress::Stage timed = progress_.begin(kFamily);
  engine_.play(held_truncations(known_), share_of(until), kHeld);
}

bool Play::has_time_to_wait(Clock::time_point until) const { return Clock::now() + 4 * frame_time_ < until; }

/// Without those cases that last until a frame's time is over, where there is no time for them.
Source Play::unhurried(Source source, Clock::time_point until) const {
  if (has_time_to_wait(until)) return source;
  return [source = std::move(source)]() -> std::optional<Case> {
    std::optional<Case> next = source();
    while (next && !next->is_probed) next = source();
    return next;
  };
}

}  // namespace tidelog::attack
