#include "proto/record/crc32c.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace tidelog::proto {
namespace {

void crc32c_of(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(crc32c_of)->Arg(128)->Arg(1024)->Arg(16384)->Arg(65536)->Arg(1048576);

}  // namespace
}  // namespace tidelog::proto
