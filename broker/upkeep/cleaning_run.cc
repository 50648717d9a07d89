#include "broker/upkeep/cleaning_run.h"

#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "broker/upkeep/pace.h"
#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/disk/disk_error.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidelog::broker {
namespace {

/// After a failure: what keeps a log from being cleaned is seldom gone sooner.
constexpr SteadyTime kRetryAfter = std::chrono::minutes(5);

/// Ends a partition's cleaning when the coroutine does, however it does.
class Hold {
 public:
  explicit Hold(std::shared_ptr<CleaningWork> work) : work_(std::move(work)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (work_->partition != nullptr) work_->partition->end_cleaning();
    work_->ended.notify();
  }
  [[nodiscard]] bool must_stop() const { return work_->must_stop || work_->partition == nullptr; }

 private:
  std::shared_ptr<CleaningWork> work_;
};

/// One cleaning of one partition's log.
class CleaningRun {
 public:
  CleaningRun(ShardServices& owner, Partition& partition, CleaningLimits limits, CleaningOutcome& outcome)
      : env_(owner.shard.env()),
        shard_(owner.shard),
        partition_(partition),
        hold_(partition.begin_cleaning()),
        limits_(std::move(limits)),
        throttle_(limits_.bytes_per_second),
        outcome_(outcome),
        pauses_(shard_) {}

  asio::awaitable<void> run();

 private:
  [[nodiscard]] std::unique_ptr<storage::Cleaning> plan();
  asio::awaitable<bool> run_pass(storage::Cleaning& cleaning);
  [[nodiscard]] bool was_overtaken(const storage::Cleaning& cleaning, Errc error) const;
  asio::awaitable<bool> swap(storage::CleanedSegment cleaned);
  asio::awaitable<bool> finish_swap();
  asio::awaitable<void> note_done(storage::Cleaning& cleaning, SteadyTime began);
  void tell(const storage::Cleaning& cleaning, SteadyTime took) const;
  void failed(const std::string& what);

  Env& env_;
  Shard& shard_;
  Partition& partition_;
  Hold hold_;
  CleaningLimits limits_;
  Throttle throttle_;
  CleaningOutcome& outcome_;
  Pauses pauses_;
};

/// Null: nothing is to be done, or cannot be.
std::unique_ptr<storage::Cleaning> CleaningRun::plan() {
  storage::Log& log = partition_.log();
  const TimestampMs now = shard_.loop().wall_clock();
  const Result<storage::LogFacts> facts = log.compaction_facts(partition_.cleanable_end(), now);
  if (!facts) return nullptr;
  std::optional<storage::CleaningPlan> plan = storage::plan_cleaning(*facts, log.config().compaction, now);
  if (!plan) return nullptr;
  Result<storage::LastBatches> producers = log.last_batches();
  if (!producers) return nullptr;
  storage::CleaningTask task{.place = {.files = &env_.files(), .directory = log.directory()},
                             .config = log.config(),
                             .plan = std::move(*plan),
                             .producers = std::move(*producers),
                             .now = now,
                             .means = limits_.means};
  return std::make_unique<storage::Cleaning>(std::move(task));
}

asio::awaitable<void> CleaningRun::run() {
  // One that comes to nothing, because a transaction is open for example, would be found to need cleaning at once again.
  partition_.postpone_cleaning(shard_.loop().now() + limits_.rest);
  if (partition_.log().pending_swap() && !co_await finish_swap()) co_return;
  bool goes_on = true;
  while (goes_on && !hold_.must_stop()) {
    std::unique_ptr<storage::Cleaning> cleaning = plan();
    if (cleaning == nullptr) co_return;
    const bool is_done = co_await run_pass(*cleaning);
    goes_on = is_done && cleaning->is_partial();
    // Giving so much memory back takes its time, and so may a file that is left.
    Job drop = [&] { cleaning.reset(); };
    co_await run_blocking(env_, shard_.loop(), std::move(drop));
  }
}

/// False: it failed, or has to stop.
asio::awaitable<bool> CleaningRun::run_pass(storage::Cleaning& cleaning) {
  using State = storage::Cleaning::State;
  const SteadyTime began = shard_.loop().now();
  while (true) {
    const SteadyTime slice_began = shard_.loop().now();
    const std::uint64_t moved_before = cleaning.moved_bytes();
    Result<State> state = State::working;
    Job step = [&] { state = cleaning.step(throttle_.slice_bytes()); };
    co_await run_blocking(env_, shard_.loop(), std::move(step));
    if (hold_.must_stop()) co_return false;
    if (!state && was_overtaken(cleaning, state.error())) co_return false;
    if (!state) co_return failed(cleaning.trouble()), false;
    if (*state == State::done) break;
    if (*state == State::ready) {
      storage::CleanedSegment ready = cleaning.take_ready();
      const bool is_swapped = co_await swap(std::move(ready));
      if (!is_swapped) co_return false;
    }
    co_await pauses_.until(throttle_.next_after(slice_began, cleaning.moved_bytes() - moved_before), [this] { return hold_.must_stop(); });
    if (hold_.must_stop()) co_return false;
  }
  co_await note_done(cleaning, began);
  co_return true;
}

/// Whether a segment is not there because retention took it away meanwhile: the next look finds what is left.
bool CleaningRun::was_overtaken(const storage::Cleaning& cleaning, Errc error) const {
  return error == Errc::not_found && partition_.log().log_start_offset() >= cleaning.task().plan.segments.front().end;
}

asio::awaitable<bool> CleaningRun::swap(storage::CleanedSegment cleaned) {
  const std::string path = storage::cleaned_file(partition_.log().directory(), cleaned.swap.base);
  const Result<void> begun = partition_.log().begin_swap(std::move(cleaned));
  if (!begun) {
    Job remove = [&] { static_cast<void>(env_.files().remove(path).has_value()); };  // Opening the log does so, too.
    co_await run_blocking(env_, shard_.loop(), std::move(remove));
  }
  // Retention took a segment away meanwhile: the next look finds what is left.
  if (!begun && begun.error() == Errc::invalid) co_return false;
  if (!begun) co_return failed("a cleaned segment cannot be renamed: " + std::string(storage::describe_disk_error(begun.error()))), false;
  co_return co_await finish_swap();
}

asio::awaitable<bool> CleaningRun::finish_swap() {
  const storage::SwapName swap = *partition_.log().pending_swap();
  const std::string directory = partition_.log().directory();
  storage::SwapEnd end = storage::SwapEnd::again;
  Job finish = [&] { end = storage::finish_swap(env_.files(), directory, swap); };
  co_await run_blocking(env_, shard_.loop(), std::move(finish));
  partition_.log().end_swap(end);
  if (end == storage::SwapEnd::sync_failed) log_error("{}; it is offline until the next start", partition_.log().offline_reason());
  if (end == storage::SwapEnd::again) failed("the files of a cleaned segment cannot be renamed");
  co_return end == storage::SwapEnd::done;
}

asio::awaitable<void> CleaningRun::note_done(storage::Cleaning& cleaning, SteadyTime began) {
  const storage::CleanedUpTo cleaned = cleaning.cleaned();
  partition_.log().set_cleaned(cleaned);
  // Unsynced and of no weight: if it cannot be written, a restart cleans more than it has to.
  Job write = [&] { static_cast<void>(storage::write_cleaner_checkpoint(cleaning.task().place, cleaned).has_value()); };
  co_await run_blocking(env_, shard_.loop(), std::move(write));
  const storage::CleaningCounts counts = cleaning.counts();
  ++outcome_.passes;
  outcome_.records_read += counts.filter.records;
  outcome_.records_dropped += counts.filter.records - counts.filter.kept_records;
  outcome_.bytes_read += counts.read_bytes;
  outcome_.bytes_written += counts.written_bytes;
  tell(cleaning, shard_.loop().now() - began);
}

void CleaningRun::tell(const storage::Cleaning& cleaning, SteadyTime took) const {
  const storage::CleaningCounts counts = cleaning.counts();
  const storage::CleaningPlan& plan = cleaning.task().plan;
  if (counts.segments_before == 0) return;
  log_info(
      "compacted {} for {} ({:.0f} % dirty): offsets {} to {}{}, {} segments to {}, {} bytes to {} ({:.0f} %), {} records to {}, {} keys "
      "in {} "
      "bytes of memory, {} tombstones kept and {} removed, in {:.1f} s",
      partition_.log().directory(), name(plan.reason), plan.dirty_ratio * 100, plan.segments.front().base.value,
      cleaning.cleaned().offset.value, cleaning.is_partial() ? ", where memory for keys ended" : "", counts.segments_before,
      counts.segments_after, counts.bytes_before, counts.bytes_after,
      100.0 * static_cast<double>(counts.bytes_after) / static_cast<double>(std::max<std::uint64_t>(counts.bytes_before, 1)),
      counts.filter.records, counts.filter.kept_records, counts.keys, counts.map_bytes, counts.filter.kept_tombstones,
      counts.filter.expired_tombstones, std::chrono::duration<double>(took).count());
}

void CleaningRun::failed(const std::string& what) {
  outcome_.has_failed = true;
  partition_.postpone_cleaning(shard_.loop().now() + kRetryAfter);
  log_error("cannot compact {}: {}. Its records are served as they are; compaction tries again in 5 minutes", partition_.log().directory(),
            what);
}

}  // namespace

asio::awaitable<void> clean_partition(ShardServices& owner, TopicPartition id, CleaningLimits limits, CleaningOutcome& outcome) {
  Partition* partition = owner.partitions.find(id);
  if (partition == nullptr || !partition->may_be_cleaned(owner.shard.loop().now())) co_return;
  CleaningRun run(owner, *partition, std::move(limits), outcome);
  co_await run.run();
}

}  // namespace tidelog::broker
