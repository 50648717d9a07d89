#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tidelog::cli {
namespace {

constexpr std::chrono::milliseconds kEvery{200};

}  // namespace

Progress::Progress(const GlobalOptions& global, std::string verb)
    : verb_(std::move(verb)), is_shown_(!global.is_quiet && ::isatty(STDERR_FILENO) == 1), next_(start_ + kEvery) {}

double Progress::seconds() const { return std::max(std::chrono::duration<double>(Clock::now() - start_).count(), 1e-6); }

std::string Progress::summary(std::uint64_t records, std::uint64_t bytes) const {
  const double megabytes = static_cast<double>(bytes) / 1e6;
  const double taken = seconds();
  return fmt::format("{} records, {:.1f} MB in {:.2f} s ({:.0f} records/s, {:.1f} MB/s)", records, megabytes, taken,
                     static_cast<double>(records) / taken, megabytes / taken);
}

void Progress::update(std::uint64_t records, std::uint64_t bytes) {
  if (!is_shown_ || Clock::now() < next_) return;
  next_ = Clock::now() + kEvery;
  is_on_screen_ = true;
  std::fputs(("\r\x1b[K" + verb_ + " " + summary(records, bytes)).c_str(), stderr);
}

void Progress::clear() {
  if (!is_on_screen_) return;
  is_on_screen_ = false;
  std::fputs("\r\x1b[K", stderr);
}

}  // namespace tidelog::cli
