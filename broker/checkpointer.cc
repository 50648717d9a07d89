#include "broker/checkpointer.h"

#include "broker/boot_id.h"
#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>

namespace tidelog::broker {
namespace {

constexpr SteadyTime kInterval = std::chrono::seconds(60);
/// How soon it shows that a full disk has room again.
constexpr SteadyTime kRetryInterval = std::chrono::seconds(5);

storage::ManifestEntry entry_of(const TopicPartition& id, storage::Log& log) {
  return {.partition = id, .log_id = log.identity().log_id, .recovery = log.recovery_state()};
}

/// A log that is offline keeps what was last written of it, so that its damage is found again after a restart, and nothing that was taken
/// away since the start is missed.
void add_partition(storage::Manifest& manifest, Partition& partition) {
  storage::Log& log = partition.log();
  if (!partition.is_offline()) {
    manifest.logs.push_back(entry_of(partition.id(), log));
  } else if (log.in_manifest()) {
    manifest.logs.push_back({.partition = partition.id(), .log_id = log.identity().log_id, .recovery = *log.in_manifest()});
  }
}

// One shard's part of the work below, each on the shard's loop.

asio::awaitable<void> sync(ShardServices& services) {
  services.partitions.for_each([&](Partition& partition) {
    if (!partition.is_offline() && partition.log().is_dirty()) services.durability->contribute(partition);
  });
  co_await services.durability->contributed_are_durable();
  services.partitions.for_each([](Partition& partition) {
    // Only shortens the next start; a failure shows up where it matters.
    if (!partition.is_offline() && partition.log().memory_bytes() > 0) static_cast<void>(partition.log().checkpoint().has_value());
  });
}

void collect(ShardServices& services, storage::Manifest& manifest) {
  services.partitions.for_each([&](Partition& partition) { add_partition(manifest, partition); });
}

void manifest_written(ShardServices& services) {
  services.partitions.for_each([](Partition& partition) { partition.log().manifest_written(); });
}

void enforce_retention_of(ShardServices& services) {
  const TimestampMs now = services.shard.loop().wall_clock();
  services.partitions.for_each([&](Partition& partition) {
    partition.enforce_retention(now);
    partition.log().expire_producers(now);
  });
}

}  // namespace

Checkpointer::Checkpointer(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env),
      options_(options),
      shards_(shards),
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
  Due due{.retention = home().now() + retention_interval, .checkpoint = home().now() + std::min(kInterval, retention_interval)};
  while (!stopping_) {
    shards_.front()->shard.timers().arm_in(timer_, std::min(kRetryInterval, retention_interval));
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

asio::awaitable<void> Checkpointer::do_chores(Due& due) {
  const SteadyTime retention_interval = std::chrono::milliseconds(options_.log_retention_check_interval_ms);
  co_await heal();
  if (home().now() >= due.retention) {
    co_await enforce_retention();
    due.retention = home().now() + retention_interval;
  }
  if (home().now() < due.checkpoint) co_return;
  co_await checkpoint(*dir_, *controller_, false);
  due.checkpoint = home().now() + std::min(kInterval, retention_interval);
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

asio::awaitable<void> Checkpointer::sync_all(Controller& controller) {
  for (const auto& shard : shards_) {
    co_await await_on(shard->shard.loop(), home(), sync(*shard));
  }
  static_cast<void>(controller.log().checkpoint().has_value());
}

asio::awaitable<bool> Checkpointer::checkpoint(LogDir& dir, Controller& controller, bool clean) {
  const Turns::Turn turn = co_await turns_.take();
  co_await sync_all(controller);
  co_return co_await write_manifest(dir, controller, clean, Reserve::Use::going_on);
}

asio::awaitable<bool> Checkpointer::log_starts_are_durable() {
  const std::uint64_t needed = manifests_begun_ + 1;  // One that is being collected may have passed the log already.
  const Turns::Turn turn = co_await turns_.take();
  if (newest_written_ >= needed) co_return true;
  co_return co_await write_manifest(*dir_, *controller_, false, Reserve::Use::making_room);
}

asio::awaitable<bool> Checkpointer::write_manifest(LogDir& dir, Controller& controller, bool clean, Reserve::Use use) {
  const std::uint64_t number = ++manifests_begun_;
  storage::Manifest manifest;
  manifest.boot_id = boot_id(env_.files());
  manifest.clean = clean;
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
  newest_written_ = number;
  co_return true;
}

asio::awaitable<void> Checkpointer::enforce_retention() {
  for (const auto& shard : shards_) {
    Job enforce = [&] { enforce_retention_of(*shard); };
    co_await run_on(shard->shard.loop(), home(), std::move(enforce));
  }
}

}  // namespace tidelog::broker
