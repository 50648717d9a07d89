#include "broker/replicas.h"

#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/partition/log_config.h"
#include "broker/shard/run_on.h"

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

Replicas::Replicas(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env), options_(options), shards_(shards) {}

std::vector<Replicas::NewLog> Replicas::plan(const TopicImage& topic) {
  const std::vector<std::pair<std::string, std::string>> overrides(topic.configs.begin(), topic.configs.end());
  const auto config = std::make_shared<const TopicConfig>(resolve_topic_config(options_, overrides));
  std::vector<NewLog> logs;
  for (const PartitionImage& partition : topic.partitions) {
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

asio::awaitable<void> Replicas::hand_out(std::vector<NewLog> logs) {
  for (const auto& shard : shards_) {
    std::vector<NewLog*> its;
    for (NewLog& log : logs) {
      if (log.log != nullptr && shards_[shard_of(log.id, shards_.size())].get() == shard.get()) its.push_back(&log);
    }
    if (its.empty()) continue;
    Job add = [&services = *shard, &its] {
      for (NewLog* log : its) {
        services.partitions.add(std::make_unique<Partition>(services.shard, *services.durability,
                                                            Partition::Identity{.id = log->id, .topic = std::move(log->topic)},
                                                            std::move(log->log), log->epoch, log->config));
      }
    };
    co_await run_on(shard->shard.loop(), home(), std::move(add));
  }
}

asio::awaitable<void> Replicas::create_topic(const TopicImage& topic) {
  std::vector<NewLog> logs = plan(topic);
  Job make = [&] {
    const bool many = logs.size() > kManyLogs;
    for (NewLog& wanted : logs) {
      // What an earlier topic of the same name left is in nobody's way: its directory was renamed when it was deleted.
      auto made = storage::Log::create(wanted.place, wanted.identity, to_log_config(*wanted.config, options_),
                                       many ? storage::CreateSync::by_caller : storage::CreateSync::now);
      if (made) {
        wanted.log = std::move(*made);
      } else {
        log_error("cannot make {}: {}; this partition is not served until the broker starts again", wanted.place.directory,
                  name(made.error()));
      }
    }
    if (many && !env_.files().sync_disk(dir_->path())) {
      log_error("cannot sync {}: the partitions of topic {} are not served", dir_->path(), topic.name);
      for (NewLog& wanted : logs) wanted.log.reset();
    }
  };
  co_await run_blocking(env_, home(), std::move(make));
  co_await hand_out(std::move(logs));
}

void Replicas::remove_directory(const storage::LogPlace& place, std::uint64_t log_id) const {
  const auto aside = storage::set_log_aside(place, log_id);
  if (!aside) {
    log_error("cannot rename {} of a deleted topic: {}", place.directory, name(aside.error()));
  } else if (const Result<void> gone = env_.files().remove_all(*aside); !gone) {
    log_warn("cannot remove {}: {}; it goes at the next start", *aside, name(gone.error()));
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

asio::awaitable<void> Replicas::remove_topic(const TopicImage& topic) {
  std::vector<std::unique_ptr<Partition>> removed;
  std::vector<PartitionIndex> unserved;
  for (const PartitionImage& image : topic.partitions) {
    const TopicPartition id{.topic_id = topic.id, .partition = image.index};
    ShardServices& owner = *shards_[shard_of(id, shards_.size())];
    Job take = [&owner, &removed, &unserved, id] {
      std::unique_ptr<Partition> partition = owner.partitions.take(id);
      if (partition == nullptr) return unserved.push_back(id.partition);
      partition->retire(ErrorCode::unknown_topic_or_partition);
      owner.durability->forget(*partition);
      removed.push_back(std::move(partition));
    };
    co_await run_on(owner.shard.loop(), home(), std::move(take));
  }
  Job remove = [&] {
    for (const PartitionIndex partition : unserved) remove_unserved(topic, partition);
    for (const auto& partition : removed) {
      storage::Log& log = partition->log();
      log.take_offline("its topic was deleted");
      remove_directory({.files = &env_.files(), .directory = log.directory()}, log.identity().log_id);
    }
  };
  co_await run_blocking(env_, home(), std::move(remove));
  // Each partition ends on the shard it lived on.
  for (auto& partition : removed) {
    ShardServices& owner = *shards_[shard_of(partition->id(), shards_.size())];
    Job end = [&partition] { partition.reset(); };
    co_await run_on(owner.shard.loop(), home(), std::move(end));
  }
}

asio::awaitable<void> Replicas::publish(std::shared_ptr<const Image> image) {
  for (const auto& shard : shards_) {
    Job show = [&services = *shard, image] { services.image = image; };
    co_await run_on(shard->shard.loop(), home(), std::move(show));
  }
}

asio::awaitable<void> Replicas::on_commit(std::shared_ptr<const Image> before, std::shared_ptr<const Image> after) {
  // A new topic is shown once it can be used; one that goes is hidden before it stops working.
  for (const auto& [name, topic] : after->topics()) {
    const TopicImage* old = before->find_topic(name);
    if (old == nullptr || old->id != topic->id) co_await create_topic(*topic);
  }
  co_await publish(after);
  for (const auto& [name, topic] : before->topics()) {
    if (after->find_topic(topic->id) == nullptr) co_await remove_topic(*topic);
  }
}

}  // namespace tidelog::broker
