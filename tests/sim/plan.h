#pragma once

#include "tests/sim/consumer.h"
#include "tests/sim/env.h"
#include "tests/sim/producer.h"

namespace tidelog::sim {

enum class EndKind : std::uint8_t {
  stop,        ///< Asked to stop, and waited for.
  kill,        ///< The process dies; the machine goes on.
  power_loss,  ///< The machine dies.
};

/// One end of the broker's process, and the start of the next.
struct CrashPlan {
  SteadyTime after{};  ///< Since the start before it.
  EndKind kind = EndKind::kill;
  std::uint64_t between_changes = 0;  ///< Not 0: not before that many more changes of the disk were made, right before the next one.
  PowerLoss loss;
  SteadyTime down{};  ///< Until the next start.
};

/// A time during which the disk has only so many bytes left.
struct FullDiskPlan {
  SteadyTime after{};
  SteadyTime lasts{};
  std::uint64_t bytes_left = 0;
};

/// Everything a run does, from its seed alone. Each kind of fault is drawn from a stream of its own, so that switching one off leaves the
/// others as they were.
struct Plan {
  std::uint64_t seed = 0;
  bool directory_exists = false;  ///< Somebody made the data directory before the first start.
  std::size_t shards = 1;
  int partitions = 1;
  /// A full index rolls its segment: the only way to small segments, since Kafka's limit for segment.bytes is 1 MiB.
  std::int32_t index_bytes = 10'000'000;
  std::int32_t index_interval_bytes = 4096;
  ClockSkew skew;
  std::vector<ProducerPlan> producers;
  std::vector<ConsumerPlan> consumers;
  std::vector<CrashPlan> crashes;
  CrashPlan last;  ///< The end before everything is read; `after` does not count.
  std::vector<FullDiskPlan> full_disk;
  DiskFaults disk;
  NetworkFaults network;
  BlockingDelays blocking;
  bool has_journal = false;  ///< One was needed before, so that the broker opens it when it starts.
  bool has_groups = false;
  bool sync_lies = false;  ///< The mutant: a sync says yes and does nothing.
};

Plan make_plan(std::uint64_t seed);
/// One fact a line, for people.
std::string to_text(const Plan& plan);

}  // namespace tidelog::sim
