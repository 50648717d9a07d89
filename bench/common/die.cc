#include "bench/common/die.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tidelog::bench {

void die(std::string_view what) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void die_errno(std::string_view what) {
  const int code = errno;
  std::fprintf(stderr, "bench: %.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(code));
  std::exit(1);
}

}  // namespace tidelog::bench
