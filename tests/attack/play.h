#pragma once

#include "tests/attack/cases.h"
#include "tests/attack/options.h"
#include "tests/attack/progress.h"

namespace tidelog::attack {

/// What a run tells its parts.
struct Battle {
  const Options& options;
  const Knowledge& known;
  const Progress& progress;
};

/// Everything the engine plays, once over all and then at random, until time is over. Thread: one.
class Play {
 public:
  Play(const Battle& battle, Tally& tally);
  void run(Clock::time_point until);

 private:
  void play(const char* family, const Source& source, Clock::time_point until, Tally::Expected expected = Tally::Expected::answered);
  void play_held(Clock::time_point until);
  bool begin(const char* family, Clock::time_point until, Tally::Expected expected);
  [[nodiscard]] bool has_time_to_wait(Clock::time_point until) const;
  [[nodiscard]] Source unhurried(Source source, Clock::time_point until) const;

  const Options& options_;
  const Knowledge& known_;
  const Progress& progress_;
  Tally& tally_;
  Milliseconds frame_time_;
  Dice dice_;
  Engine engine_;
};

}  // namespace tidelog::attack
