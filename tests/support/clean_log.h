#pragma once

#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/compaction/cleaning.h"
#include "storage/log/log.h"

#include <optional>
#include <vector>

namespace tidelog::testing {

/// What one pass of `clean_log` did.
struct CleanedPass {
  storage::CleaningPlan plan;
  storage::LastBatches producers;
  storage::CleaningCounts counts;
  std::size_t map_capacity = 0;
  storage::CleanedUpTo cleaned;
};

struct CleanRequest {
  TimestampMs now;
  Offset limit;
  storage::CleaningMeans means{.map_bytes = 1U << 20};
  std::uint64_t step_bytes = 64U << 10;
};

/// Runs one pass as the broker does, but in one go. Nothing if the plan sees no need.
inline Result<std::optional<CleanedPass>> clean_once(storage::Log& log, storage::FileSystem& files, const CleanRequest& request) {
  const Result<storage::LogFacts> facts = log.compaction_facts(request.limit);
  if (!facts) return facts.error();
  const auto plan = storage::plan_cleaning(*facts, log.config().compaction, request.now);
  if (!plan) return std::optional<CleanedPass>{};
  const Result<storage::LastBatches> producers = log.last_batches();
  if (!producers) return producers.error();
  const storage::LogPlace place{.files = &files, .directory = log.directory()};
  storage::Cleaning cleaning(
      {.place = place, .config = log.config(), .plan = *plan, .producers = *producers, .now = request.now, .means = request.means});
  while (true) {
    const Result<storage::Cleaning::State> state = cleaning.step(request.step_bytes);
    if (!state) return state.error();
    if (*state == storage::Cleaning::State::done) break;
    if (*state == storage::Cleaning::State::working) continue;
    if (const Result<void> begun = log.begin_swap(cleaning.take_ready()); !begun) return begun.error();
    const storage::SwapEnd end = storage::finish_swap(files, log.directory(), *log.pending_swap());
    log.end_swap(end);
    if (end != storage::SwapEnd::done) return Errc::io;
  }
  log.set_cleaned(cleaning.cleaned());
  if (const Result<void> written = storage::write_cleaner_checkpoint(place, cleaning.cleaned()); !written) return written.error();
  const std::size_t capacity = storage::OffsetMap(request.means.map_bytes, static_cast<std::uint64_t>(plan->dirty_end - plan->dirty_from),
                                                  request.means.load_factor, request.means.secret)
                                   .capacity();
  return std::optional(CleanedPass{
      .plan = *plan, .producers = *producers, .counts = cleaning.counts(), .map_capacity = capacity, .cleaned = cleaning.cleaned()});
}

}  // namespace tidelog::testing
