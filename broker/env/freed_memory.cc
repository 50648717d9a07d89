#include "broker/env/freed_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tidelog::broker {

std::size_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long all = 0;
  unsigned long long resident = 0;
  const int fields = std::fscanf(file, "%llu %llu", &all, &resident);
  std::fclose(file);
  return fields == 2 ? static_cast<std::size_t>(resident) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

bool FreedMemory::look() {
  const std::size_t now = resident_bytes();
  left_ = std::min(left_, now);
  // What is in use may be all there is: then it is not looked for in vain all the time.
  const std::size_t worth = std::max(small_, left_ + small_ / 8);
  if (now <= worth) return false;
  ::malloc_trim(0);
  left_ = resident_bytes();
  return true;
}

}  // namespace tidelog::broker
