#include "broker/upkeep/scrub_run.h"

#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "broker/upkeep/pace.h"
#include "storage/disk/disk_error.h"

#include <memory>
#include <optional>
#include <string>

namespace tidelog::broker {
namespace {

/// One log's scrub. The partition is looked up anew after every wait: nothing keeps it from being deleted meanwhile.
class ScrubRun {
 public:
  ScrubRun(ShardServices& owner, const ScrubOrder& order, ScrubCounts& counts)
      : env_(owner.shard.env()),
        owner_(owner),
        id_(order.id),
        throttle_(order.bytes_per_second),
        pauses_(owner.shard),
        must_stop_(order.must_stop),
        counts_(counts) {}

  asio::awaitable<void> run();

 private:
  [[nodiscard]] Partition* partition() const;
  [[nodiscard]] std::optional<storage::ScrubPiece> next_piece(Partition& partition, Offset from);
  asio::awaitable<bool> read_whole(storage::SegmentScrub& scrub);
  void take_in(const storage::SegmentScrub& scrub);
  void failed(Errc error);

  Env& env_;
  ShardServices& owner_;
  TopicPartition id_;
  Throttle throttle_;
  Pauses pauses_;
  const std::atomic<bool>& must_stop_;
  ScrubCounts& counts_;
};

/// Null: it is gone, or offline, and there is nothing to be scrubbed any more.
Partition* ScrubRun::partition() const {
  Partition* found = owner_.partitions.find(id_);
  return found == nullptr || found->is_offline() ? nullptr : found;
}

std::optional<storage::ScrubPiece> ScrubRun::next_piece(Partition& partition, Offset from) {
  Result<std::optional<storage::ScrubPiece>> piece = partition.log().piece_to_scrub(from);
  if (piece) return std::move(*piece);
  failed(piece.error());
  return std::nullopt;
}

asio::awaitable<void> ScrubRun::run() {
  Partition* here = partition();
  if (here == nullptr) co_return;
  const bool was_idle = !here->log().is_loaded();
  ++counts_.logs;
  for (Offset from{0}; here != nullptr && !must_stop_; here = partition()) {
    std::optional<storage::ScrubPiece> piece = next_piece(*here, from);
    if (!piece) break;
    from = piece->end;
    storage::SegmentScrub scrub(std::move(*piece));
    if (!co_await read_whole(scrub)) break;
    take_in(scrub);
  }
  // An idle log keeps no file open: a scrub of many must not leave them all at hand.
  if (was_idle && partition() != nullptr) static_cast<void>(partition()->log().release());
}

/// False: it could not be, or has to stop.
asio::awaitable<bool> ScrubRun::read_whole(storage::SegmentScrub& scrub) {
  Loop& loop = owner_.shard.loop();
  while (!must_stop_) {
    const SteadyTime began = loop.now();
    const std::uint64_t before = scrub.read_bytes();
    Result<bool> is_done = false;
    Job step = [&] { is_done = scrub.step(throttle_.slice_bytes()); };
    co_await run_blocking(env_, loop, std::move(step));
    if (!is_done) co_return failed(is_done.error()), false;
    counts_.bytes += scrub.read_bytes() - before;
    co_await pauses_.until(throttle_.next_after(began, scrub.read_bytes() - before), [this] { return must_stop_.load(); });
    if (*is_done) co_return true;
  }
  co_return false;
}

void ScrubRun::take_in(const storage::SegmentScrub& scrub) {
  Partition* here = partition();
  if (here == nullptr || scrub.damaged().empty()) return;
  for (const storage::DamagedRange& range : here->log().note_damage(scrub.piece(), scrub.damaged())) {
    ++counts_.ranges_damaged;
    log_error("scrub: {}. They are not served any more, the rest of the log is; nothing of the file was changed",
              storage::describe(here->log().directory(), range));
  }
}

void ScrubRun::failed(Errc error) {
  ++counts_.failures;
  Partition* here = partition();
  if (here == nullptr) return;
  log_error("scrub: a segment of {} cannot be read: {}. It is tried again with the next scrub", here->log().directory(),
            storage::describe_disk_error(error));
}

}  // namespace

asio::awaitable<void> scrub_partition(ShardServices& owner, ScrubOrder order, ScrubCounts& counts) {
  ScrubRun run(owner, order, counts);
  co_await run.run();
}

}  // namespace tidelog::broker
