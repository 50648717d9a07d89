#include "bench/load/requests.h"
#include "proto/record/batch.h"
#include "proto/record/validate.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <vector>

namespace tidelog::bench {
namespace {

/// Arguments: the size of a value, the size of the batch.
void validate_batch(benchmark::State& state) {
  const auto value_bytes = static_cast<std::size_t>(state.range(0));
  const std::size_t count = records_that_fit(static_cast<std::size_t>(state.range(1)), value_bytes);
  const std::vector<std::byte> batch = make_batch(count, value_bytes);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const proto::ValidationRules rules{.now = {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()}};
  for ([[maybe_unused]] auto _ : state) {
    const auto view = proto::BatchView::parse(batch);
    if (!view || !proto::check_batch(*view, rules)) state.SkipWithError("the batch is refused");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
  state.counters["records"] = benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(validate_batch)->Args({1024, 1})->Args({1024, 65536})->Args({100, 65536});

}  // namespace
}  // namespace tidelog::bench
