#pragma once

#include "broker/partition/produce_part.h"

#include <deque>
#include <unordered_map>

namespace tidelog::broker {

class Partition;
struct ShardServices;

/// How parts come to the partitions of a shard: at once, or, where a part takes long to check, in turns between which everybody else is
/// served. A client's parts never overtake each other, and one client's many do not keep another's few waiting: turns go round the clients.
/// Thread: the shard's loop. Life: that of its shard. Crash: parts that wait were never answered.
class Intake {
 public:
  explicit Intake(ShardServices& owner) : owner_(owner) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  /// Hands the part to its partition, now or later, or answers why there is none. It may be answered inside.
  void take(ProducePart& part);

 private:
  [[nodiscard]] bool has_to_wait(const Partition& partition, const ProducePart& part) const;
  void queue(ProducePart& part);
  void go_on_later();
  void work();
  void check(ProducePart& part);
  void refuse(ProducePart& part) const;

  ShardServices& owner_;
  std::unordered_map<const void*, std::deque<ProducePart*>> waiting_;  ///< By client.
  std::deque<const void*> turns_;                                      ///< The clients that have any, whoever is next first.
};

}  // namespace tidelog::broker
