#pragma once

#include "tests/attack/process.h"
#include "tests/attack/socket.h"

#include <cstdio>
#include <string>
#include <utility>

namespace tidelog::attack {

inline constexpr double kMegabyte = 1024.0 * 1024.0;

/// Says of each part of the attack when it was over, how long it took and what memory the broker had: where to look when it fails.
/// Thread: any.
class Progress {
 public:
  explicit Progress(int pid) : pid_(pid) {}

  class Stage {
   public:
    Stage(const Progress& progress, std::string name) : progress_(progress), name_(std::move(name)) {}
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
      const Memory memory = memory_of(progress_.pid_);
      const std::chrono::duration<double> took = Clock::now() - began_;
      std::printf("%6.1f s  %-22s took %5.1f s, memory %.1f MB, peak so far %.1f MB\n", progress_.elapsed(), name_.c_str(), took.count(),
                  static_cast<double>(memory.resident) / kMegabyte, static_cast<double>(memory.peak) / kMegabyte);
      std::fflush(stdout);
    }

   private:
    const Progress& progress_;
    std::string name_;
    Clock::time_point began_ = Clock::now();
  };

  [[nodiscard]] Stage begin(std::string name) const { return {*this, std::move(name)}; }
  [[nodiscard]] bool is_broker_there() const { return is_alive(pid_); }
  [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

 private:
  int pid_;
  Clock::time_point began_ = Clock::now();
};

}  // namespace tidelog::attack
