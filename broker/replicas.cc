#include "broker/replicas.h"

#include "broker/config/dynamic.h"
#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/partition/log_config.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

std::uint64_t random_log_id(Random& random) {
  std::array<std::byte, 8> bytes;
  random.fill(bytes);
  return load_be<std::uint64_t>(bytes.data());
}

}  // namespace

Replicas::Replicas(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards, Disks disks)
    : env_(env), options_(options), shards_(shards), disks_(std::move(disks)) {}

/// Null: there is no such directory, or it is offline.
ServedDir* Replicas::dir_of(const Uuid& directory) const {
  if (!directory.is_zero()) return disks_.dirs.find(directory);
  const std::vector<ServedDir*> usable = disks_.dirs.usable();
  return disks_.dirs.are_several() || usable.empty() ? nullptr : usable.front();
}

void Replicas::settle(NewLog& log, ServedDir* dir) const {
  log.dir = dir;
  if (dir != nullptr) {
    log.place = dir->dir->place_of(log.topic, log.id.partition);
    log.refused.reset();
  } else {
    log.place.directory = storage::log_directory_name(log.topic, log.id.partition);
    log.refused = Errc::offline;
  }
}

std::vector<Replicas::NewLog> Replicas::plan(const TopicImage& topic, std::size_t first, std::size_t most) {
  const std::shared_ptr<const TopicConfig> config = config_of(topic);
  std::vector<NewLog> logs;
  const std::span<const PartitionImage> rest = std::span(topic.partitions).subspan(first);
  for (const PartitionImage& partition : rest.first(std::min(most, rest.size()))) {
    if (std::ranges::find(partition.replicas, NodeId{options_.node_id}) == partition.replicas.end()) continue;
    logs.push_back({.id = {.topic_id = topic.id, .partition = partition.index},
                    .topic = topic.name,
                    .epoch = partition.leader_epoch,
                    .config = config,
                    .directory = directory_of(partition, {options_.node_id}),
                    .identity = {.topic_id = topic.id, .log_id = random_log_id(env_.random())}});
    settle(logs.back(), dir_of(logs.back().directory));
  }
  return logs;
}

void Replicas::add_to(ShardServices& services, const std::vector<NewLog*>& logs) {
  for (NewLog* log : logs) {
    Partition::Identity identity{.id = log->id, .topic = std::move(log->topic), .dir = log->dir->index};
    services.partitions.add(std::make_unique<Partition>(services.shard, *services.durability[log->dir->index], std::move(identity),
                                                        std::move(log->log), log->epoch, log->config));
  }
}

asio::awaitable<void> Replicas::hand_out(std::vector<NewLog> logs) {
  for (const auto& shard : shards_) {
    std::vector<NewLog*> its;
    for (NewLog& log : logs) {
      if (log.log != nullptr && &owner_of(log.id) == shard.get()) its.push_back(&log);
    }
    if (its.empty()) continue;
    Job add = [&] { add_to(*shard, its); };
    co_await run_on(shard->shard.loop(), home(), std::move(add));
  }
  // One may have failed meanwhile, and this shard been looked at before these came.
  std::set<std::size_t> failed;
  for (const NewLog& log : logs) {
    if (log.dir != nullptr && !log.dir->is_online()) failed.insert(log.dir->index);
  }
  for (const std::size_t dir : failed) co_await withdraw(dir);
}

void Replicas::make_one(NewLog& wanted) const {
  // What an earlier topic of the same name left is in nobody's way: its directory was renamed when it was deleted.
  auto made =
      storage::Log::create(wanted.place, wanted.identity, to_log_config(*wanted.config, *in_force_), storage::CreateSync::by_caller);
  if (made) {
    wanted.log = std::move(*made);
  } else {
    wanted.refused = made.error();
  }
}

/// All of one directory. An error is that of a sync after which the disk cannot be believed, or the directory is gone.
Result<void> Replicas::make_logs(std::vector<NewLog*>& logs) const {
  const ServedDir& served = *logs.front()->dir;
  // It would be made anew with its partitions, and what it held would be forgotten.
  const bool is_gone = !served.is_metadata && !env_.files().stat(served.path());
  if (is_gone) {
    for (NewLog* wanted : logs) wanted->refused = Errc::not_found;
    return Errc::not_found;
  }
  for (NewLog* wanted : logs) make_one(*wanted);
  const Result<void> done = make_durable(logs);
  for (NewLog* wanted : logs) {
    if (!done && !wanted->refused) wanted->refused = done.error();
    if (wanted->refused) wanted->log.reset();
  }
  return done;
}

Result<void> Replicas::make_durable(std::vector<NewLog*>& logs) const {
  const LogDisk& disk = logs.front()->dir->disk;
  if (logs.size() > kManyLogs) return disk.health->sync(env_.files(), disk.path);
  for (NewLog* wanted : logs) {
    if (wanted->refused) continue;
    const Result<void> synced = storage::sync_created(wanted->place);
    if (synced) continue;
    wanted->refused = synced.error();
    if (synced.error() != Errc::io) continue;
    disk.health->note_failure();
    return synced;
  }
  return {};
}

asio::awaitable<void> Replicas::make(std::vector<NewLog>& logs) {
  for (const auto& served : disks_.dirs.all()) {
    std::vector<NewLog*> its;
    for (NewLog& log : logs) {
      if (log.dir == served.get()) its.push_back(&log);
    }
    if (its.empty()) continue;
    Result<void> made;
    Job work = [&] { made = make_logs(its); };
    co_await run_blocking(env_, home(), std::move(work));
    if (made || made.error() == Errc::offline) continue;
    const DiskFailure kind = made.error() == Errc::not_found ? DiskFailure::write : DiskFailure::sync;
    disks_.on_failure(served->index, kind, std::string(storage::describe_disk_error(made.error())));
  }
}

void Replicas::note_refused(const std::vector<NewLog>& logs) {
  std::set<Uuid> told;
  for (const NewLog& log : logs) {
    if (!log.refused) continue;
    refused_.insert_or_assign(log.id, *log.refused);
    if (!told.insert(log.id.topic_id).second) continue;
    log_error("cannot make {}: {}; it is tried again, and until then partitions of {} are not served", log.place.directory,
              storage::describe_disk_error(*log.refused), log.topic);
  }
}

void Replicas::forget_refused(const Uuid& topic) {
  std::erase_if(refused_, [&](const auto& entry) { return entry.first.topic_id == topic; });
}

std::string Replicas::why_not_ready(const Uuid& topic) const {
  const auto found = refused_.lower_bound({.topic_id = topic, .partition = {0}});
  if (found == refused_.end() || found->first.topic_id != topic) return {};
  return fmt::format("the change is made, but partition {} cannot be used yet: {}; the broker tries again", found->first.partition.value,
                     storage::describe_disk_error(found->second));
}

asio::awaitable<void> Replicas::make_ready(std::shared_ptr<const Image> image) {
  std::vector<NewLog> logs;
  for (const auto& [id, error] : refused_) {
    const TopicImage* topic = image->find_topic(id.topic_id);
    if (topic == nullptr) continue;
    for (NewLog& log : plan(*topic, static_cast<std::size_t>(id.partition.value), 1)) {
      if (log.dir != nullptr) logs.push_back(std::move(log));
    }
  }
  if (logs.empty()) co_return;
  co_await make(logs);
  for (const NewLog& log : logs) {
    if (log.refused) continue;
    refused_.erase(log.id);
    log_info("{} could be made at last", log.place.directory);
  }
  co_await hand_out(std::move(logs));
}

asio::awaitable<void> Replicas::create_partitions(const TopicImage& topic, std::size_t first) {
  std::vector<NewLog> logs = plan(topic, first);
  co_await make(logs);
  note_refused(logs);
  co_await hand_out(std::move(logs));
}

void Replicas::remove_directory(const storage::LogPlace& place, std::uint64_t log_id) const {
  const auto aside = storage::set_log_aside(place, log_id);
  if (!aside) {
    log_error("cannot rename {} of a deleted topic: {}", place.directory, storage::describe_disk_error(aside.error()));
  } else if (const Result<void> gone = env_.files().remove_all(*aside); !gone) {
    log_warn("cannot remove {}: {}; it goes at the next start", *aside, storage::describe_disk_error(gone.error()));
  }
}

/// Removes the directory of a partition that was never served, so that a topic of the same name can be made. One that is or may be of
/// another topic stays.
void Replicas::remove_unserved(const TopicImage& topic, PartitionIndex partition) const {
  for (const auto& served : disks_.dirs.all()) {
    // One that is away has it removed at the first start that finds it.
    if (served->disk.has_failed()) continue;
    const storage::LogPlace place = served->dir->place_of(topic.name, partition);
    const Result<storage::LogIdentity> there = storage::read_identity(place);
    const bool is_nobodys = !there && (there.error() == Errc::not_found || there.error() == Errc::corrupt);
    const bool is_ours = there && there->topic_id == topic.id;
    if ((!is_nobodys && !is_ours) || !env_.files().stat(place.directory)) continue;
    remove_directory(place, is_ours ? there->log_id : 0);
  }
}

/// Ends the service of one partition of a deleted topic, on its owner's loop.
void Replicas::take_away(ShardServices& owner, const TopicPartition& id, Removed& removed) {
  std::unique_ptr<Partition> partition = owner.partitions.take(id);
  if (partition == nullptr) return removed.unserved.push_back(id.partition);
  partition->retire(ErrorCode::unknown_topic_or_partition);
  owner.durability[partition->dir()]->forget(*partition);
  removed.served.push_back(std::move(partition));
}

/// The same for all partitions of a directory that failed.
std::vector<std::unique_ptr<Partition>> Replicas::take_all(ShardServices& owner, std::size_t dir) {
  std::vector<TopicPartition> ids;
  owner.partitions.for_each([&](const Partition& partition) {
    if (partition.dir() == dir) ids.push_back(partition.id());
  });
  std::vector<std::unique_ptr<Partition>> taken;
  for (const TopicPartition& id : ids) {
    taken.push_back(owner.partitions.take(id));
    taken.back()->log().take_offline("its log directory failed");
    taken.back()->retire(ErrorCode::kafka_storage_error);
    owner.durability[dir]->forget(*taken.back());
  }
  owner.durability[dir]->give_up();
  if (on_withdrawn_) on_withdrawn_(owner, ids);
  return taken;
}

asio::awaitable<void> Replicas::withdraw(std::size_t dir) {
  const auto online = std::make_shared<const std::set<Uuid>>(disks_.dirs.online_ids());
  for (const auto& shard : shards_) {
    std::vector<std::unique_ptr<Partition>> taken;
    Job take = [&] {
      shard->online_dirs = online;
      taken = take_all(*shard, dir);
    };
    co_await run_on(shard->shard.loop(), home(), std::move(take));
    for (const auto& partition : taken) {
      co_await await_on(shard->shard.loop(), home(), partition->stop_cleaning());
    }
    // They end on the shard they lived on.
    Job end = [&] { taken.clear(); };
    co_await run_on(shard->shard.loop(), home(), std::move(end));
  }
}

void Replicas::remove_directories(const TopicImage& topic, const Removed& removed) const {
  for (const PartitionIndex partition : removed.unserved) remove_unserved(topic, partition);
  for (const auto& partition : removed.served) {
    storage::Log& log = partition->log();
    log.take_offline("its topic was deleted");
    remove_directory({.files = &env_.files(), .directory = log.directory()}, log.identity().log_id);
  }
}

asio::awaitable<void> Replicas::remove_topic(const TopicImage& topic) {
  forget_refused(topic.id);
  Removed removed;
  for (const PartitionImage& image : topic.partitions) {
    const TopicPartition id{.topic_id = topic.id, .partition = image.index};
    ShardServices& owner = owner_of(id);
    Job take = [&] { take_away(owner, id, removed); };
    co_await run_on(owner.shard.loop(), home(), std::move(take));
  }
  // Nobody may have the files at work whose directory goes, or a new topic of that name would be what he works on.
  for (const auto& partition : removed.served) {
    co_await await_on(owner_of(partition->id()).shard.loop(), home(), partition->stop_cleaning());
  }
  Job remove = [&] { remove_directories(topic, removed); };
  co_await run_blocking(env_, home(), std::move(remove));
  // Each partition ends on the shard it lived on.
  for (auto& partition : removed.served) {
    ShardServices& owner = owner_of(partition->id());
    Job end = [&] { partition.reset(); };
    co_await run_on(owner.shard.loop(), home(), std::move(end));
  }
}

asio::awaitable<void> Replicas::publish(std::shared_ptr<const Image> image) {
  const auto online = std::make_shared<const std::set<Uuid>>(disks_.dirs.online_ids());
  for (const auto& shard : shards_) {
    Job show = [&services = *shard, image, options = in_force_, online] {
      services.image = image;
      services.online_dirs = online;
      services.options = options;
    };
    co_await run_on(shard->shard.loop(), home(), std::move(show));
  }
}

void Replicas::resolve_options(const Image& image) {
  const Image::Configs& for_all = image.configs_of(ConfigScope::broker, "");
  const Image::Configs& own = image.configs_of(ConfigScope::broker, std::to_string(options_.node_id));
  in_force_ = std::make_shared<const BrokerOptions>(resolve_broker_options(options_, for_all, own));
  defaults_ = std::make_shared<const TopicConfig>(topic_defaults(*in_force_));
}

std::shared_ptr<const TopicConfig> Replicas::config_of(const TopicImage& topic) const {
  return topic.configs.empty() ? defaults_ : std::make_shared<const TopicConfig>(with_overrides(*defaults_, topic.configs));
}

bool Replicas::follow_options(const Image& before, const Image& after) {
  const std::string self = std::to_string(options_.node_id);
  const auto differ = [&](const std::string& name) {
    return before.configs_of(ConfigScope::broker, name) != after.configs_of(ConfigScope::broker, name);
  };
  if (!differ("") && !differ(self)) return false;
  resolve_options(after);
  if (on_options_) on_options_(*in_force_);
  return true;
}

void Replicas::add_changes(const TopicImage& topic, std::vector<NewConfig>& to) const {
  const std::shared_ptr<const TopicConfig> config = config_of(topic);
  for (const PartitionImage& partition : topic.partitions) {
    to.push_back({.id = {.topic_id = topic.id, .partition = partition.index}, .config = config});
  }
}

/// Gives partitions of one shard their settings, on its loop.
asio::awaitable<void> Replicas::apply_configs(ShardServices& services, const BrokerOptions& options,
                                              const std::vector<const NewConfig*>& changes) {
  std::set<std::size_t> to_sync;
  for (const NewConfig* change : changes) {
    Partition* partition = services.partitions.find(change->id);
    if (partition == nullptr) continue;
    if (partition->set_config(change->config, to_log_config(*change->config, options))) to_sync.insert(partition->dir());
  }
  // Whoever is told that a topic is `durability=fsync` now may count on what was written before, too (R4). What of it is in a directory
  // that fails meanwhile is not served any more.
  for (const std::size_t dir : to_sync) static_cast<void>(co_await services.durability[dir]->contributed_are_durable());
}

asio::awaitable<void> Replicas::reconfigure(std::vector<NewConfig> changes) {
  const std::shared_ptr<const BrokerOptions> options = in_force_;
  for (const auto& shard : shards_) {
    std::vector<const NewConfig*> its;
    for (const NewConfig& change : changes) {
      if (&owner_of(change.id) == shard.get()) its.push_back(&change);
    }
    if (its.empty()) continue;
    co_await await_on(shard->shard.loop(), home(), apply_configs(*shard, *options, its));
  }
}

asio::awaitable<void> Replicas::on_commit(std::shared_ptr<const Image> before, std::shared_ptr<const Image> after) {
  const bool options_changed = follow_options(*before, *after);
  std::vector<NewConfig> reconfigured;
  // A new topic or partition is shown once it can be used; a topic that goes is hidden before it stops working.
  for (const auto& [name, topic] : after->topics()) {
    const TopicImage* old = before->find_topic(topic->id);
    const std::size_t there = old == nullptr ? 0 : old->partitions.size();
    if (there < topic->partitions.size()) co_await create_partitions(*topic, there);
    if (old != nullptr && (options_changed || (old != topic.get() && old->configs != topic->configs))) add_changes(*topic, reconfigured);
  }
  co_await publish(after);
  co_await reconfigure(std::move(reconfigured));
  for (const auto& [name, topic] : before->topics()) {
    if (after->find_topic(topic->id) != nullptr) continue;
    co_await remove_topic(*topic);
    if (on_topic_gone_) on_topic_gone_(*topic);
  }
}

}  // namespace tidelog::broker
