#pragma once

#include "broker/shard/signal.h"

namespace tidelog::broker {

class Partition;

/// A cleaning that is at work on a partition's log. Shared by the two, since a frame that is destroyed late outlives the partition.
/// Thread: the partition's shard.
struct CleaningWork {
  explicit CleaningWork(asio::any_io_executor executor) : ended(std::move(executor)) {}

  Partition* partition = nullptr;  ///< Null once it is gone.
  bool must_stop = false;          ///< At the next slice.
  Signal ended;
};

}  // namespace tidelog::broker
