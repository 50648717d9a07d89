// Takes the place of the product's own check_failed in the simulator's test program: what would abort a process ends a simulated one.
#include "proto/base/check.h"
#include "tests/sim/world.h"

#include <cstdio>
#include <cstdlib>

namespace tidelog {

void check_failed(std::string_view what, std::source_location where) {
  const std::string text = std::string(what) + " (" + where.file_name() + ":" + std::to_string(where.line()) + ")";
  sim::World* world = sim::World::running();
  if (world == nullptr || !world->on_check_failed) {
    std::fprintf(stderr, "internal check failed: %s\n", text.c_str());
    std::abort();
  }
  world->on_check_failed(text);
  throw sim::CheckFailed{};
}

}  // namespace tidelog
