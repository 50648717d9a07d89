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

/// Only shortens the next start; a failure shows up where it matters.
void save(Partition& partition) {
  if (!partition.is_offline() && partition.log().memory_bytes() > 0) static_cast<void>(partition.log().checkpoint().has_value());
}

/// What a checkpoint has to sync on one shard.
struct Unsynced {
  std::vector<DurableLog*> dirty;
  std::vector<std::pair<TopicPartition, Offset>> expected;  ///< Ends that were durable and not in synced files.

  void add(Partition& partition) {
    storage::Log& log = partition.log();
    // Of one that is offline a round may be under way that was not told of yet.
    const Offset end = partition.is_offline() ? log.end_offset() : log.durable_end();
    if (log.synced_end() < end) expected.emplace_back(partition.id(), end);
    if (!partition.is_offline() && log.is_dirty()) dirty.push_back(&partition);
  }
};

/// `all_synced` becomes false if something that was durable when it began is not in synced files.
asio::awaitable<void> sync(ShardServices& services, std::size_t dir, bool& all_synced) {
  // At offsets that are synced next: above the recovery point a snapshot would be of no use.
  const auto save_one = [dir](ShardServices&, Partition& partition) {
    if (partition.dir() == dir) save(partition);
  };
  co_await visit_in_turns(services, save_one);
  Unsynced unsynced;
  services.partitions.for_each([&](Partition& partition) {
    if (partition.dir() == dir) unsynced.add(partition);
  });
  const bool synced = co_await services.durability[dir]->sync_files(std::move(unsynced.dirty));
  if (!synced) all_synced = false;
  // One that failed meanwhile may need what the journal has of it.
  for (const auto& [id, end] : unsynced.expected) {
    Partition* partition = services.partitions.find(id);
    if (partition != nullptr && partition->log().synced_end() < end) all_synced = false;
  }
}

asio::awaitable<void> sync_below_log_start(ShardServices& services, std::size_t dir) {
  std::vector<DurableLog*> logs;
  services.partitions.for_each([&](Partition& partition) {
    storage::Log& log = partition.log();
    const bool is_wanted = partition.dir() == dir && !partition.is_offline() && log.log_start_offset() > log.synced_end();
    if (is_wanted) logs.push_back(&partition);
  });
  // A failure shows: no manifest is written after it.
  if (!logs.empty()) static_cast<void>(co_await services.durability[dir]->sync_files(std::move(logs)));
}

}  // namespace

Checkpointer::Checkpointer(Env& env, const BrokerOptions& options, ServedDir& served,
                           std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env),
      options_(options),
      served_(served),
      shards_(shards),
      journal_(env, options, served.disk.journal),
      gate_(home().executor()),
      turns_(home().executor()),
      wake_(home().executor()),
      timer_([this] { wake_.notify(); }) {}

template <class Look>
asio::awaitable<void> Checkpointer::for_each_partition(Look look) {
  for (const auto& shard : shards_) {
    const auto look_if_here = [&](Partition& partition) {
      if (partition.dir() == served_.index) look(partition);
    };
    Job work = [&] { shard->partitions.for_each(look_if_here); };
    co_await run_on(shard->shard.loop(), home(), std::move(work));
  }
}

template <class Visit>
asio::awaitable<void> Checkpointer::visit_all_in_turns(Visit visit) {
  for (const auto& shard : shards_) {
    const auto one = [dir = served_.index, &visit](ShardServices& services, Partition& partition) {
      if (partition.dir() == dir) visit(services, partition);
    };
    co_await await_on(shard->shard.loop(), home(), visit_in_turns(*shard, one));
  }
}

void Checkpointer::start(Controller& controller) {
  controller_ = &controller;
  asio::co_spawn(home().executor(), run(), asio::detached);
}

asio::awaitable<void> Checkpointer::run() {
  const Gate::Pass pass = gate_.enter();
  const SteadyTime retention_interval = std::chrono::milliseconds(options_.log_retention_check_interval_ms);
  Due due{.retention = home().now() + retention_interval,
          .checkpoint = home().now() + std::min(kInterval, retention_interval),
          .heal = home().now() + kRetryInterval};
  co_await journal_.look_for_one(dir(), home());
  co_await open_journal();
  while (!stopping_) {
    shards_.front()->shard.timers().arm_in(timer_, std::min(kLookInterval, retention_interval));
    co_await wake_.wait();
    if (stopping_ || !served_.is_online()) break;
    try {
      co_await do_chores(due);
    } catch (const std::exception& error) {
      // On whichever shard: what is not done stays due.
      log_error("the upkeep of {} was ended by an internal error and is tried again: {}", served_.path(), error.what());
    }
  }
}

asio::awaitable<void> Checkpointer::note_progress() {
  if (home().now() < progress_due_) co_return;
  std::uint64_t bytes = 0;  // Synced, and the manifest does not know of it.
  const auto add = [&](Partition& partition) { bytes += partition.is_offline() ? 0 : partition.log().unlisted_bytes(); };
  co_await for_each_partition(add);
  if (bytes < kMostToReadAgain) co_return;
  const Turns::Turn turn = co_await turns_.take();
  // Where much was written: those of this time are above the recovery point while more is on its way, and serve the next manifest.
  const auto save_if_large = [](ShardServices&, Partition& partition) {
    if (partition.log().unlisted_bytes() >= kWorthASnapshot) save(partition);
  };
  co_await visit_all_in_turns(save_if_large);
  const bool written = co_await write_manifest(*controller_, false, Reserve::Use::going_on);
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
  co_await checkpoint(*controller_, false);
  due.checkpoint = home().now() + std::min(kInterval, retention_interval);
  // One that frees nothing, on a disk that is full say, is not made twice a second.
  due.wanted_checkpoint = home().now() + (journal_.wants_checkpoint() ? kRetryInterval : SteadyTime::zero());
}

asio::awaitable<void> Checkpointer::heal() {
  if (!dir().reserve().is_whole()) {
    bool restored = false;
    Job restore = [&] { restored = dir().reserve().restore(); };
    co_await run_blocking(env_, home(), std::move(restore));
    if (restored) log_info("the disk of {} has room again: its reserve is whole", served_.path());
  }
  if (served_.is_metadata) co_await controller_->make_ready();  // Whichever directory it was.
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
    co_await await_on(shard->shard.loop(), home(), sync(*shard, served_.index, all));
  }
  if (served_.is_metadata) static_cast<void>(controller.log().checkpoint().has_value());
  co_return all;
}

asio::awaitable<void> Checkpointer::sync_below_log_starts() {
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), sync_below_log_start(*shard, served_.index));
  }
}

asio::awaitable<void> Checkpointer::open_journal() {
  const Turns::Turn turn = co_await turns_.take();
  if (!served_.is_online() || !co_await journal_.prepare(dir(), home())) co_return;
  if (co_await write_manifest(*controller_, false, Reserve::Use::going_on)) {
    journal_.use();
  } else {
    journal_.give_up();
  }
}

asio::awaitable<bool> Checkpointer::checkpoint(Controller& controller, bool clean) {
  const Turns::Turn turn = co_await turns_.take();
  const std::optional<storage::JournalPosition> from = journal_.next();
  const bool all_synced = co_await sync_all(controller);
  if (all_synced) journal_.advance(from);
  // Whoever starts after a clean stop does not look into the journal.
  const bool written = co_await write_manifest(controller, clean && all_synced, Reserve::Use::going_on);
  if (home().now() < release_due_) co_return written;
  release_due_ = home().now() + kInterval;
  // An idle log keeps no file open.
  const auto release = [](ShardServices&, Partition& partition) { partition.log().release_unused(); };
  co_await visit_all_in_turns(release);
  co_return written;
}

asio::awaitable<bool> Checkpointer::log_starts_are_durable() {
  const std::uint64_t needed = manifests_begun_ + 1;  // One that is being collected may have passed the log already.
  const Turns::Turn turn = co_await turns_.take();
  if (newest_written_ >= needed) co_return true;
  co_await sync_below_log_starts();
  co_return co_await write_manifest(*controller_, false, Reserve::Use::making_room);
}

/// A log that could not even be opened keeps what was last written of it, too. One that is elsewhere now is that directory's.
void Checkpointer::add_unopened(storage::Manifest& manifest, const Image& image) const {
  manifest.sort();
  std::vector<storage::ManifestEntry> unopened;
  for (const storage::ManifestEntry& known : dir().manifest().logs) {
    const TopicImage* topic = image.find_topic(known.partition.topic_id);
    if (topic == nullptr || manifest.find(known.partition) != nullptr) continue;
    const auto at = static_cast<std::size_t>(known.partition.partition.value);
    const Uuid place = at < topic->partitions.size() ? directory_of(topic->partitions[at], {options_.node_id}) : Uuid();
    if (place.is_zero() || place == served_.id) unopened.push_back(known);
  }
  manifest.has_damage = manifest.has_damage || !unopened.empty();
  manifest.logs.insert(manifest.logs.end(), unopened.begin(), unopened.end());
}

/// Blocks.
Result<void> Checkpointer::store(storage::Manifest& manifest, Reserve::Use use) {
  Result<void> written = storage::store_manifest(env_.files(), served_.path(), manifest);
  if (written || written.error() != Errc::no_space || !dir().reserve().release(use)) return written;
  log_warn("the disk of {} is full: its reserve is in use, {} bytes of it are left", served_.path(), dir().reserve().held_bytes());
  return storage::store_manifest(env_.files(), served_.path(), manifest);
}

asio::awaitable<bool> Checkpointer::write_manifest(Controller& controller, bool clean, Reserve::Use use) {
  const std::uint64_t number = ++manifests_begun_;
  storage::Manifest manifest;
  manifest.boot_id = boot_id(env_.files(), served_.path());
  manifest.clean = clean;
  manifest.replay_from = journal_.replay_from();
  const auto collect = [&](Partition& partition) { add_partition(manifest, partition); };
  co_await for_each_partition(collect);
  if (served_.is_metadata) manifest.logs.push_back(entry_of(controller.id(), controller.log()));
  add_unopened(manifest, *controller.machine().image());
  // What was collected may lack partitions that were taken out of service meanwhile.
  if (!served_.is_online() || served_.disk.has_failed()) co_return false;
  Result<void> written;
  Job write = [&] { written = store(manifest, use); };
  co_await run_blocking(env_, home(), std::move(write));
  if (!written) {
    log_error("cannot write the manifest in {}: {}. The next start reads more, and retention removes nothing before it can be written",
              served_.path(), storage::describe_disk_error(written.error()));
    const bool is_of_the_disk = written.error() == Errc::io || written.error() == Errc::not_found;
    if (is_of_the_disk && on_failure_) on_failure_(std::string(storage::describe_disk_error(written.error())));
    co_return false;
  }
  const auto tell = [](Partition& partition) { partition.log().manifest_written(); };
  co_await for_each_partition(tell);
  if (served_.is_metadata) controller.log().manifest_written();
  journal_.release();
  newest_written_ = number;
  co_return true;
}

asio::awaitable<void> Checkpointer::enforce_retention() {
  const auto enforce = [](ShardServices& services, Partition& partition) {
    const TimestampMs now = services.shard.loop().wall_clock();
    partition.enforce_retention(now);
    partition.log().expire_producers(now);
  };
  co_await visit_all_in_turns(enforce);
}

}  // namespace tidelog::broker
