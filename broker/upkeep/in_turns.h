#pragma once

#include "broker/partition/services.h"
#include "broker/shard/let_others_go_on.h"

#include <chrono>
#include <vector>

namespace tidelog::broker {

/// Calls `visit` for each partition that a shard owns, and lets others go on in between: ten thousand files are not written in one breath.
/// One that is made meanwhile is left out, one that goes is passed over. Thread: the shard's loop.
template <class Visit>
asio::awaitable<void> visit_in_turns(ShardServices& services, Visit visit) {
  constexpr SteadyTime kTurn = std::chrono::milliseconds(2);
  std::vector<TopicPartition> ids;
  ids.reserve(services.partitions.size());
  services.partitions.for_each([&](const Partition& partition) { ids.push_back(partition.id()); });
  Loop& loop = services.shard.loop();
  SteadyTime until = loop.now() + kTurn;
  for (const TopicPartition& id : ids) {
    if (Partition* const partition = services.partitions.find(id)) visit(services, *partition);
    if (loop.now() < until) continue;
    co_await let_others_go_on(loop);
    until = loop.now() + kTurn;
  }
}

}  // namespace tidelog::broker
