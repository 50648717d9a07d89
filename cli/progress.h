#pragma once

#include "cli/options.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace tidelog::cli {

/// A line on stderr that says how far it is, if a person looks at it.
class Progress {
 public:
  Progress(const GlobalOptions& global, std::string verb);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap enough for every batch.
  void update(std::uint64_t records, std::uint64_t bytes);
  void clear();
  [[nodiscard]] double seconds() const;

  /// "1234 records, 5.6 MB in 0.12 s (10283 records/s, 46.7 MB/s)".
  [[nodiscard]] std::string summary(std::uint64_t records, std::uint64_t bytes) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string verb_;
  bool is_shown_;
  bool is_on_screen_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_;
};

}  // namespace tidelog::cli
