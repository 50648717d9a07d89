#include "proto/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tidelog {

void check_failed(std::string_view what, std::source_location where) {
  std::fprintf(stderr, "tidelog: internal check failed: %.*s (%s:%u). This is a bug; the broker stops rather than guess.\n",
               static_cast<int>(what.size()), what.data(), where.file_name(), where.line());
  std::abort();
}

}  // namespace tidelog
