#pragma once

#include "broker/config/broker_options.h"
#include "broker/logging/rate_limited.h"
#include "broker/metadata/image.h"
#include "broker/partition/intake.h"
#include "broker/partition/log_sizes.h"
#include "broker/partition/partition_table.h"
#include "broker/quota/fair_turns.h"
#include "broker/quota/quota_meter.h"
#include "broker/quota/token_buckets.h"
#include "broker/shard/shard.h"

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

class Checkpointer;
class Controller;
class GroupCoordinators;
class LogDirs;

/// What one shard works with. Thread: its loop.
struct ShardServices {
  ShardServices(Env& env, std::size_t index, ShardMemory memory, const QuotaCounting& counting)
      : shard(env, index, memory), quotas(counting), mutations(counting), log_sizes(env, shard.loop()) {}

  Shard shard;
  std::vector<std::unique_ptr<Durability>> durability;  ///< Of each log directory.
  PartitionTable partitions;
  Intake intake{*this};
  FairTurns time_reads{shard.loop()};                 ///< Of all searches by time, to have a piece read; only the first shard's are used.
  std::shared_ptr<const Image> image;                 ///< Replaced whole whenever metadata were committed.
  std::shared_ptr<const std::set<Uuid>> online_dirs;  ///< Of this broker's log directories. Replaced whole; none ever comes back.
  std::shared_ptr<const BrokerOptions> options;       ///< In force: what the broker was started with, and over it what the image says.
  QuotaMeter quotas;
  TokenBuckets mutations;  ///< Of changes of metadata; only the first shard's are used.
  LogSizes log_sizes;      ///< Only the first shard's are asked.
  RateLimited limited;     ///< Lines that many requests would write, and that are not about a limit.
};

/// Why a partition that metadata name has no entry in its owner's table. A topic is shown after its logs are there and hidden before they
/// go: if it is still shown, its log could not be opened or made; else it was deleted after its name was resolved.
inline ErrorCode why_absent(const ShardServices& owner, const TopicPartition& id) {
  const bool is_shown = owner.image != nullptr && owner.image->find_topic(id.topic_id) != nullptr;
  return is_shown ? ErrorCode::kafka_storage_error : ErrorCode::not_leader_or_follower;
}

/// Whether the log directory of `node`'s replica is one that it serves. A partition that names none is in the only one.
inline bool is_dir_online(const ShardServices& services, const PartitionImage& partition, NodeId node) {
  if (partition.directories.empty() || services.online_dirs == nullptr) return true;
  const Uuid directory = directory_of(partition, node);
  return directory.is_zero() || services.online_dirs->contains(directory);
}

/// The broker as its handlers see it. Life: outlives every connection. Thread: any shard; `controller`, `dirs` and `checkpointers` on the
/// first shard only.
struct Node {
  const BrokerOptions& options;  ///< As started. A key that can change while the broker runs is read from a shard's `options`.
  std::span<const std::unique_ptr<ShardServices>> shards;
  Controller& controller;
  LogDirs& dirs;
  std::span<const std::unique_ptr<Checkpointer>> checkpointers;  ///< Of each log directory.
  std::span<const std::unique_ptr<GroupCoordinators>> groups;    ///< Of each shard, in their order; on its loop only.
  NodeId id;
  std::vector<NodeId> self;  ///< Nothing but `id`.
  /// Of each listener, in the order of the server's. Empty host: tell each client the address it came in on.
  std::vector<Endpoint> advertised;

  [[nodiscard]] ShardServices& home() const { return *shards.front(); }
  [[nodiscard]] ShardServices& owner_of(const TopicPartition& partition) const {
    return shards.size() == 1 ? home() : *shards[shard_of(partition, shards.size())];
  }
  /// The coordinators beside `owner_of(partition)`.
  [[nodiscard]] GroupCoordinators& groups_of(const TopicPartition& partition) const { return *groups[shard_of(partition, shards.size())]; }
};

}  // namespace tidelog::broker
