#include "broker/checkpointer.h"

#include "broker/boot_id.h"
#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "broker/upkeep/in_turns.h"
#include "storage/disk/disk_error.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>

namespace tidelog::broker {
namespace {

constexpr SteadyTime kInterval = std::chrono::seconds(60);
/// How soon it shows that the journal fills, or that a restart would have much to read.
constexpr SteadyTime kLookInterval = std::chrono::milliseconds(500);
/// So much may be synced and still be read again after a crash, because the manifest does not know of it.
constexpr std::uint64_t kMostToReadAgain = 64U << 20;
/// A log with less of that is not worth a producer snapshot of its own.
constexpr std::uint64_t kWorthASnapshot = 8U << 20;
/// How soon it shows that a full disk has room again.
constexpr SteadyTime kRetryInterval = std::chrono::seconds(5);

storage::ManifestEntry entry_of(const TopicPartition& id, storage::Log& log) {
  return {.partition = id, .log_id = log.identity().log_id, .recovery = log.recovery_state()};
}

/// A log that is offline keeps what was last written of it, so that its damage is found again after a restart, and nothing that was taken
/// away since the start is missed.
void add_partition(storage::Manifest& manifest, Partition& partition) {
  storage::Log& log = partition.log();
  manifest.has_damage = manifest.has_damage || partition.is_offline() || !log.damage().empty() || log.pending_truncation();
  if (!partition.is_offline()) {
    manifest.logs.push_back(entry_of(partition.id(), log));
  } else if (log.in_manifest()) {
    manifest.logs.push_back({.partition = partition.id(), .log_id = log.identity().log_id, .recovery = *log.in_manifest()});
  }
}

// One shard's part of the work below, each on the shard's loop.

/// Only shortens the next start; a failure shows up where it matters.
void save(ShardServices&, Partition& partition) {
  if (!partition.is_offline() && partition.log().memory_bytes() > 0) static_cast<void>(partition.log().checkpoint().has_value());
}

/// `all_synced` becomes false if something that was durable when it began is not in synced files.
asio::awaitable<void> sync(ShardServices& services, bool& all_synced) {
  // At offsets that are synced next: above the recovery point a snapshot would be of no use.
  co_await visit_in_turns(services, save);
  std::vector<DurableLog*> dirty;
  std::vector<std::pair<TopicPartition, Offset>> expected;
  services.partitions.for_each([&](Partition& partition) {
    storage::Log& log = partition.log();
    // Of one that is offline a round may be under way that was not told of yet.
    const Offset end = partition.is_offline() ? log.end_offset() : log.durable_end();
    if (log.synced_end() < end) expected.emplace_back(partition.id(), end);
    if (!partition.is_offline() && log.is_dirty()) dirty.push_back(&partition);
  });
  co_await services.durability->sync_files(std::move(dirty));
  // One that failed meanwhile may need what the journal has of it.
  for (const auto& [id, end] : expected) {
    Partition* partition = services.partitions.find(id);
    if (partition != nullptr && partition->log().synced_end() < end) all_synced = false;
  }
}

asio::awaitable<void> sync_below_log_start(ShardServices& services) {
  std::vector<DurableLog*> logs;
  services.partitions.for_each([&](Partition& partition) {
    storage::Log& log = partition.log();
    if (!partition.is_offline() && log.log_start_offset() > log.synced_end()) logs.push_back(&partition);
  });
  if (!logs.empty()) co_await services.durability->sync_files(std::move(logs));
}

/// Synced bytes that the manifest does not know of.
std::uint64_t unlisted_bytes_of(ShardServices& services) {
  std::uint64_t bytes = 0;
  services.partitions.for_each([&](Partition& partition) { bytes += partition.is_offline() ? 0 : partition.log().unlisted_bytes(); });
  return bytes;
}

/// Where much was written: those of this time are above the recovery point while more is on its way, and serve the next manifest.
void save_if_large(ShardServices& services, Partition& partition) {
  if (partition.log().unlisted_bytes() >= kWorthASnapshot) save(services, partition);
}

void collect(ShardServices& services, storage::Manifest& manifest) {
  services.partitions.for_each([&](Partition& partition) { add_partition(manifest, partition); });
}

void manifest_written(ShardServices& services) {
  services.partitions.for_each([](Partition& partition) { partition.log().manifest_written(); });
}

/// An idle log keeps no file open.
void release_unused(ShardServices&, Partition& partition) { partition.log().release_unused(); }

void enforce_retention_of(ShardServices& services, Partition& partition) {
  const TimestampMs now = services.shard.loop().wall_clock();
  partition.enforce_retention(now);
  partition.log().expire_producers(now);
}

}  // namespace

Checkpointer::Checkpointer(Env& env, const BrokerOptions& options, SharedJournal& journal,
                           std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env),
      options_(options),
      shards_(shards),
      journal_(env, options, journal),
      gate_(home().executor()),
      turns_(home().executor()),
      wake_(home().executor()),
      timer_([this] { wake_.notify(); }) {}

void Checkpointer::start(LogDir& dir, Controller& controller) {
  dir_ = &dir;
  controller_ = &controller;
  asio::co_spawn(home().executor(), run(), asio::detached);
}

asio::awaitable<void> Checkpointer::run() {
  const Gate::Pass pass = gate_.enter();
  const SteadyTime retention_interval = std::chrono::milliseconds(options_.log_retention_check_interval_ms);
  Due due{.retention = home().now() + retention_interval,
          .checkpoint = home().now() + std::min(kInterval, retention_interval),
          .heal = home().now() + kRetryInterval};
  co_await journal_.look_for_one(*dir_, home());
  co_await open_journal();
  while (!stopping_) {
    shards_.front()->shard.timers().arm_in(timer_, std::min(kLookInterval, retention_interval));
    co_await wake_.wait();
    if (stopping_) break;
    try {
      co_await do_chores(due);
    } catch (const std::exception& error) {
      // On whichever shard: what is not done stays due.
      log_error("the upkeep of {} was ended by an internal error and is tried again: {}", dir_->path(), error.what());
    }
  }
}

asio::awaitable<void> Checkpointer::note_progress() {
  if (home().now() < progress_due_) co_return;
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) {
    Job look = [&] { bytes += unlisted_bytes_of(*shard); };
    co_await run_on(shard->shard.loop(), home(), std::move(look));
  }
  if (bytes < kMostToReadAgain) co_return;
  const Turns::Turn turn = co_await turns_.take();
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), visit_in_turns(*shard, save_if_large));
  }
  const bool written = co_await write_manifest(*dir_, *controller_, false, Reserve::Use::going_on);
  progress_due_ = home().now() + (written ? SteadyTime::zero() : kRetryInterval);
}

asio::awaitable<void> Checkpointer::do_chores(Due& due) {
  const SteadyTime retention_interval = std::chrono::milliseconds(options_.log_retention_check_interval_ms);
  if (home().now() >= due.heal) {
    co_await heal();
    co_await open_journal();
    due.heal = home().now() + kRetryInterval;
  }
  if (home().now() >= due.retention) {
    co_await enforce_retention();
    due.retention = home().now() + retention_interval;
  }
  const bool is_wanted = journal_.wants_checkpoint() && home().now() >= due.wanted_checkpoint;
  if (home().now() < due.checkpoint && !is_wanted) {
    co_await note_progress();
    co_return;
  }
  co_await checkpoint(*dir_, *controller_, false);
  due.checkpoint = home().now() + std::min(kInterval, retention_interval);
  // One that frees nothing, on a disk that is full say, is not made twice a second.
  due.wanted_checkpoint = home().now() + (journal_.wants_checkpoint() ? kRetryInterval : SteadyTime::zero());
}

asio::awaitable<void> Checkpointer::heal() {
  if (!dir_->reserve().is_whole()) {
    bool restored = false;
    Job restore = [&] { restored = dir_->reserve().restore(); };
    co_await run_blocking(env_, home(), std::move(restore));
    if (restored) log_info("the disk of {} has room again: its reserve is whole", dir_->path());
  }
  co_await controller_->make_ready();
}

asio::awaitable<void> Checkpointer::stop() {
  stopping_ = true;
  timer_.cancel();
  wake_.notify();
  co_await gate_.close();
}

asio::awaitable<bool> Checkpointer::sync_all(Controller& controller) {
  bool all = true;
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), sync(*shard, all));
  }
  static_cast<void>(controller.log().checkpoint().has_value());
  co_return all;
}

asio::awaitable<void> Checkpointer::sync_below_log_starts() {
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), sync_below_log_start(*shard));
  }
}

asio::awaitable<void> Checkpointer::open_journal() {
  const Turns::Turn turn = co_await turns_.take();
  if (!co_await journal_.prepare(*dir_, home())) co_return;
  if (co_await write_manifest(*dir_, *controller_, false, Reserve::Use::going_on)) {
    journal_.use();
  } else {
    journal_.give_up();
  }
}

asio::awaitable<bool> Checkpointer::checkpoint(LogDir& dir, Controller& controller, bool clean) {
  const Turns::Turn turn = co_await turns_.take();
  const std::optional<storage::JournalPosition> from = journal_.next();
  const bool all_synced = co_await sync_all(controller);
  if (all_synced) journal_.advance(from);
  // Whoever starts after a clean stop does not look into the journal.
  const bool written = co_await write_manifest(dir, controller, clean && all_synced, Reserve::Use::going_on);
  if (home().now() < release_due_) co_return written;
  release_due_ = home().now() + kInterval;
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), visit_in_turns(*shard, release_unused));
  }
  co_return written;
}

asio::awaitable<bool> Checkpointer::log_starts_are_durable() {
  const std::uint64_t needed = manifests_begun_ + 1;  // One that is being collected may have passed the log already.
  const Turns::Turn turn = co_await turns_.take();
  if (newest_written_ >= needed) co_return true;
  co_await sync_below_log_starts();
  co_return co_await write_manifest(*dir_, *controller_, false, Reserve::Use::making_room);
}

asio::awaitable<bool> Checkpointer::write_manifest(LogDir& dir, Controller& controller, bool clean, Reserve::Use use) {
  const std::uint64_t number = ++manifests_begun_;
  storage::Manifest manifest;
  manifest.boot_id = boot_id(env_.files(), dir.path());
  manifest.clean = clean;
  manifest.replay_from = journal_.replay_from();
  for (const auto& shard : shards_) {
    Job work = [&] { collect(*shard, manifest); };
    co_await run_on(shard->shard.loop(), home(), std::move(work));
  }
  manifest.logs.push_back(entry_of(controller.id(), controller.log()));
  // And so does one that could not even be opened.
  manifest.sort();
  std::vector<storage::ManifestEntry> unopened;
  for (const storage::ManifestEntry& known : dir.manifest().logs) {
    const bool is_there = manifest.find(known.partition) != nullptr;
    if (!is_there && controller.machine().image()->find_topic(known.partition.topic_id) != nullptr) unopened.push_back(known);
  }
  manifest.has_damage = manifest.has_damage || !unopened.empty();
  manifest.logs.insert(manifest.logs.end(), unopened.begin(), unopened.end());
  Result<void> written;
  Job write = [&] {
    written = storage::store_manifest(env_.files(), dir.path(), manifest);
    if (!written && written.error() == Errc::no_space && dir.reserve().release(use)) {
      log_warn("the disk of {} is full: its reserve is in use, {} bytes of it are left", dir.path(), dir.reserve().held_bytes());
      written = storage::store_manifest(env_.files(), dir.path(), manifest);
    }
  };
  co_await run_blocking(env_, home(), std::move(write));
  if (!written) {
    log_error("cannot write the manifest in {}: {}. The next start reads more, and retention removes nothing before it can be written",
              dir.path(), storage::describe_disk_error(written.error()));
    co_return false;
  }
  for (const auto& shard : shards_) {
    Job tell = [&] { manifest_written(*shard); };
    co_await run_on(shard->shard.loop(), home(), std::move(tell));
  }
  controller.log().manifest_written();
  journal_.release();
  newest_written_ = number;
  co_return true;
}

asio::awaitable<void> Checkpointer::enforce_retention() {
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), visit_in_turns(*shard, enforce_retention_of));
  }
}

}  // namespace tidelog::broker
