#include "broker/config/markdown.h"

#include <cstdio>
#include <string>

/// Prints docs/configuration.md.
int main() {
  const std::string text = tidelog::broker::render_markdown();
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  return written == text.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
