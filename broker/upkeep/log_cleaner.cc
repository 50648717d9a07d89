#include "broker/upkeep/log_cleaner.h"

#include "broker/shard/run_on.h"
#include "broker/upkeep/cleaning_run.h"
#include "broker/upkeep/in_turns.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr std::int64_t kLeastMapBytes = 1 << 20;
constexpr std::int32_t kLeastBufferBytes = 16 << 10;

/// At least a tick, or the loop would have nothing else to do.
SteadyTime pause_from(const BrokerOptions& options) {
  return std::chrono::milliseconds(std::clamp<std::int64_t>(options.log_cleaner_backoff_ms, 10, 1'000'000'000));
}

/// One worker's share of what all may use.
CleaningLimits limits_from(const BrokerOptions& options, Random& random) {
  const std::int32_t threads = std::max(options.log_cleaner_threads, 1);
  CleaningLimits limits;
  limits.means.map_bytes = static_cast<std::size_t>(std::max(options.log_cleaner_dedupe_buffer_size / threads, kLeastMapBytes));
  limits.means.load_factor = options.log_cleaner_io_buffer_load_factor;
  limits.means.buffer_bytes = static_cast<std::size_t>(std::max(options.log_cleaner_io_buffer_size / threads / 2, kLeastBufferBytes));
  random.fill(std::as_writable_bytes(std::span(limits.means.secret)));
  limits.bytes_per_second = options.log_cleaner_io_max_bytes_per_second / threads;
  limits.rest = pause_from(options);
  return limits;
}

void interrupt_all(ShardServices& services) {
  services.partitions.for_each([](Partition& partition) { partition.interrupt_cleaning(); });
}

}  // namespace

LogCleaner::LogCleaner(Env& env, std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env), shards_(shards), gate_(home().executor()), wake_(home().executor()), timer_([this] { wake_.notify(); }) {}

void LogCleaner::start() { asio::co_spawn(home().executor(), run(), asio::detached); }

asio::awaitable<void> LogCleaner::stop() {
  stopping_ = true;
  timer_.cancel();
  wake_.notify();
  for (const auto& shard : shards_) {
    Job interrupt = [&] { interrupt_all(*shard); };
    co_await run_on(shard->shard.loop(), home(), std::move(interrupt));
  }
  co_await gate_.close();
}

asio::awaitable<void> LogCleaner::run() {
  const Gate::Pass pass = gate_.enter();
  while (!stopping_) {
    shards_.front()->shard.timers().arm_in(timer_, pause_from(options()));
    co_await wake_.wait();
    if (stopping_ || !options().log_cleaner_enable) continue;
    // Counted once: a worker that finds nothing may be gone before the next one begins.
    for (std::int32_t more = options().log_cleaner_threads - workers_; more > 0; --more) {
      ++workers_;
      asio::co_spawn(home().executor(), work(), asio::detached);
    }
  }
}

/// Cleans one log after the other until none needs it.
asio::awaitable<void> LogCleaner::work() {
  const Gate::Pass pass = gate_.enter();
  while (!stopping_ && workers_ <= options().log_cleaner_threads) {
    const std::optional<Candidate> candidate = co_await find_candidate();
    if (!candidate || stopping_) break;
    ShardServices& owner = *shards_[shard_of(candidate->id, shards_.size())];
    CleaningLimits limits = limits_from(options(), env_.random());
    CleaningOutcome outcome;
    co_await await_on(owner.shard.loop(), home(), clean_partition(owner, candidate->id, std::move(limits), outcome));
    counts_.passes += outcome.passes;
    counts_.failures += outcome.has_failed ? 1 : 0;
    counts_.records_read += outcome.records_read;
    counts_.records_dropped += outcome.records_dropped;
    counts_.bytes_read += outcome.bytes_read;
    counts_.bytes_written += outcome.bytes_written;
  }
  --workers_;
}

void LogCleaner::look(ShardServices& services, Partition& partition, std::optional<Candidate>& best) {
  if (!partition.may_be_cleaned(services.shard.loop().now())) return;
  storage::Log& log = partition.log();
  Candidate found{.id = partition.id(), .is_due = log.pending_swap().has_value()};
  if (!found.is_due) {
    const TimestampMs now = services.shard.loop().wall_clock();
    const Result<storage::LogFacts> facts = log.compaction_facts(partition.cleanable_end(), now);
    const auto plan = facts ? storage::plan_cleaning(*facts, log.config().compaction, now) : std::nullopt;
    if (!plan) return;
    found.is_due = plan->reason != storage::CleaningReason::dirty_ratio;
    found.dirty_ratio = plan->dirty_ratio;
  }
  const bool is_worse = !best || std::pair(found.is_due, found.dirty_ratio) > std::pair(best->is_due, best->dirty_ratio);
  if (is_worse) best = found;
}

asio::awaitable<std::optional<LogCleaner::Candidate>> LogCleaner::find_candidate() {
  std::optional<Candidate> best;
  const auto visit = [&best](ShardServices& services, Partition& partition) { look(services, partition, best); };
  for (const auto& shard : shards_) co_await await_on(shard->shard.loop(), home(), visit_in_turns(*shard, visit));
  co_return best;
}

}  // namespace tidelog::broker
