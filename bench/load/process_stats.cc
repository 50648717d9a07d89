#include "bench/load/process_stats.h"

#include "bench/common/die.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace tidelog::bench {
namespace {

constexpr int kFieldsBeforeUserTime = 11;  // of /proc/PID/stat, counted behind the command name
constexpr std::uint64_t kKiB = 1024;

void read_cpu(const std::string& folder, ProcessStats& stats) {
  std::ifstream file(folder + "/stat");
  std::string line;
  if (!std::getline(file, line)) die("no such process: " + folder);
  std::istringstream fields(line.substr(line.rfind(')') + 2));  // the name may hold blanks
  std::string skipped;
  for (int i = 0; i < kFieldsBeforeUserTime; ++i) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  stats.user_seconds = user_ticks / ticks_per_second;
  stats.cpu_seconds = (user_ticks + system_ticks) / ticks_per_second;
}

}  // namespace

ProcessStats read_process(pid_t pid) {
  ProcessStats stats;
  if (pid == 0) return stats;
  const std::string folder = "/proc/" + std::to_string(pid);
  read_cpu(folder, stats);
  std::ifstream status(folder + "/status");
  for (std::string key; status >> key;) {
    if (key == "VmRSS:") status >> stats.rss_bytes, stats.rss_bytes *= kKiB;
    if (key == "VmHWM:") status >> stats.peak_bytes, stats.peak_bytes *= kKiB;
    if (key == "Threads:") status >> stats.threads;
  }
  return stats;
}

}  // namespace tidelog::bench
