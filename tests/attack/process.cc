#include "tests/attack/process.h"

#include <signal.h>

#include <fstream>
#include <string>

namespace tidelog::attack {

Memory memory_of(int pid) {
  constexpr std::uint64_t kKilobyte = 1024;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  Memory memory;
  for (std::string word; status >> word;) {
    std::uint64_t* into = word == "VmRSS:" ? &memory.resident : word == "VmHWM:" ? &memory.peak : nullptr;
    if (into != nullptr && status >> *into) *into *= kKilobyte;
  }
  return memory;
}

void forget_peak(int pid) { std::ofstream("/proc/" + std::to_string(pid) + "/clear_refs") << 5; }

bool is_alive(int pid) { return ::kill(pid, 0) == 0 && memory_of(pid).resident > 0; }

}  // namespace tidelog::attack
