#pragma once

#include "broker/coordinators/group_settings.h"
#include "broker/coordinators/hosted_groups.h"
#include "broker/coordinators/image_topics.h"
#include "broker/shard/gate.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// The group coordinators of one shard: one for each partition of `__consumer_offsets` that it owns.
/// Thread: the shard's loop. Life: `start` after the partitions are there, `stop` before they go.
class GroupCoordinators {
 public:
  /// `memory`: of all shards.
  GroupCoordinators(ShardServices& shard, std::shared_ptr<GroupsMemory> memory);

  /// Begins to load every partition there is, one after the other, and to look for what expired.
  void start();
  /// Returns when nothing of it runs any more. Everybody who waits was told to look again.
  asio::awaitable<void> stop();

  /// The coordinator of that partition, active; else null, and `why` says what to tell the client. It begins to load if it did not.
  std::shared_ptr<HostedGroups> find(const TopicPartition& id, ErrorCode& why);
  /// Those of all partitions owned here. `why`: one of them is not active.
  std::vector<std::shared_ptr<HostedGroups>> all(ErrorCode& why);

  /// Their log directory failed.
  void let_go(const std::vector<TopicPartition>& partitions);
  /// A topic is gone, and so are the offsets that groups committed for it.
  void forget_topic(const std::string& name, const Uuid& id);

 private:
  std::shared_ptr<HostedGroups> make(const TopicPartition& id);
  std::shared_ptr<HostedGroups> host(const TopicPartition& id);
  [[nodiscard]] std::vector<TopicPartition> owned_here() const;
  asio::awaitable<void> load(std::shared_ptr<HostedGroups> groups);
  asio::awaitable<void> load_all();
  void look_for_expired();

  ShardServices& shard_;
  std::shared_ptr<GroupsMemory> memory_;
  ImageTopics topics_;
  ImageSettings settings_;
  std::map<PartitionIndex, std::shared_ptr<HostedGroups>> hosted_;
  Gate gate_;
  Turns viewing_;
  bool is_starting_ = true;  ///< Not all of those that were there at the start are loaded.
  Timer expiry_{[this] { look_for_expired(); }};
};

}  // namespace tidelog::broker
