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

/// From here on one sync of the whole disk is cheaper than one of each new directory.
constexpr std::size_t kManyLogs = 8;

std::uint64_t random_log_id(Random& random) {
  std::array<std::byte, 8> bytes;
  random.fill(bytes);
  return load_be<std::uint64_t>(bytes.data());
}

}  // namespace

Replicas::Replicas(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards, Disk disk)
    : env_(env), options_(options), shards_(shards), disk_(std::move(disk)) {}

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
                    .place = dir_->place_of(topic.name, partition.index),
                    .identity = {.topic_id = topic.id, .log_id = random_log_id(env_.random())}});
  }
  return logs;
}

void Replicas::add_to(ShardServices& services, const std::vector<NewLog*>& logs) {
  for (NewLog* log : logs) {
    Partition::Identity identity{.id = log->id, .topic = std::move(log->topic)};
    services.partitions.add(std::make_unique<Partition>(services.shard, *services.durability, std::move(identity), std::move(log->log),
                                                        log->epoch, log->config));
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

/// An error is that of a sync after which the disk cannot be believed.
Result<void> Replicas::make_logs(std::vector<NewLog>& logs) const {
  for (NewLog& wanted : logs) make_one(wanted);
  const Result<void> done = make_durable(logs);
  for (NewLog& wanted : logs) {
    if (!done && !wanted.refused) wanted.refused = done.error();
    if (wanted.refused) wanted.log.reset();
  }
  return done;
}

Result<void> Replicas::make_durable(std::vector<NewLog>& logs) const {
  if (logs.size() > kManyLogs) return disk_.journal.sync_disk(env_.files(), dir_->path());
  for (NewLog& wanted : logs) {
    if (wanted.refused) continue;
    const Result<void> synced = storage::sync_created(wanted.place);
    if (synced) continue;
    wanted.refused = synced.error();
    if (synced.error() != Errc::io) continue;
    disk_.journal.note_disk_failure();
    return synced;
  }
  return {};
}

asio::awaitable<void> Replicas::make(std::vector<NewLog>& logs) {
  Result<void> made;
  Job work = [&] { made = make_logs(logs); };
  co_await run_blocking(env_, home(), std::move(work));
  if (!made && made.error() != Errc::offline) disk_.on_failure(std::string(storage::describe_disk_error(made.error())));
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
    for (NewLog& log : plan(*topic, static_cast<std::size_t>(id.partition.value), 1)) logs.push_back(std::move(log));
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
  const storage::LogPlace place = dir_->place_of(topic.name, partition);
  const Result<storage::LogIdentity> there = storage::read_identity(place);
  const bool is_nobodys = !there && (there.error() == Errc::not_found || there.error() == Errc::corrupt);
  const bool is_ours = there && there->topic_id == topic.id;
  if ((!is_nobodys && !is_ours) || !env_.files().stat(place.directory)) return;
  remove_directory(place, is_ours ? there->log_id : 0);
}

/// Ends the service of one partition of a deleted topic, on its owner's loop.
void Replicas::take_away(ShardServices& owner, const TopicPartition& id, Removed& removed) {
  std::unique_ptr<Partition> partition = owner.partitions.take(id);
  if (partition == nullptr) return removed.unserved.push_back(id.partition);
  partition->retire(ErrorCode::unknown_topic_or_partition);
  owner.durability->forget(*partition);
  removed.served.push_back(std::move(partition));
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
  for (const auto& shard : shards_) {
    Job show = [&services = *shard, image, options = in_force_] {
      services.image = image;
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
  bool must_sync = false;
  for (const NewConfig* change : changes) {
    Partition* partition = services.partitions.find(change->id);
    if (partition == nullptr) continue;
    must_sync = partition->set_config(change->config, to_log_config(*change->config, options)) || must_sync;
  }
  // Whoever is told that a topic is `durability=fsync` now may count on what was written before, too (R4).
  if (must_sync) co_await services.durability->contributed_are_durable();
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
