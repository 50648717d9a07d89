#include "bench/load/held_memory.h"

#include "bench/common/die.h"

#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>

namespace tidelog::bench {
namespace {

constexpr std::uint64_t kKiB = 1024;

std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == "MemAvailable:" && file >> value) return value * kKiB;
  }
  return 0;
}

}  // namespace

HeldMemory::HeldMemory(std::uint64_t bytes, std::uint64_t spare_bytes) {
  const std::uint64_t available = available_bytes();
  bytes_ = std::min(bytes, available > spare_bytes ? available - spare_bytes : 0);
  if (bytes_ == 0) return;
  memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory_ == MAP_FAILED) die_errno("mmap");
  ::madvise(memory_, bytes_, MADV_HUGEPAGE);
  std::memset(memory_, 1, bytes_);
}

HeldMemory::~HeldMemory() {
  if (bytes_ > 0) ::munmap(memory_, bytes_);
}

void HeldMemory::wait_for_signal() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  int signal = 0;
  sigwait(&stop, &signal);
}

}  // namespace tidelog::bench
