#include "proto/codec/api_table.h"

#include <cstdio>

/// Prints the rows of the table of requests in docs/protocol.md, from the table that ApiVersions answers from.
int main() {
  for (const tidelog::proto::ApiInfo& api : tidelog::proto::served_apis()) {
    const auto width = static_cast<int>(api.name.size());
    std::printf("| %d | %.*s | %d-%d |\n", api.key, width, api.name.data(), api.min_version, api.max_version);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
