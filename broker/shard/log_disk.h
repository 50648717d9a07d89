#pragma once

#include "broker/shard/disk_health.h"
#include "broker/shard/shared_journal.h"

#include <atomic>
#include <memory>
#include <string>

namespace tidelog::broker {

/// What the shards share of one log directory. Thread: any, but for `health`, which is settled before the first round.
struct LogDisk {
  explicit LogDisk(std::string directory) : path(std::move(directory)) {}

  /// No round of this directory ends well any more.
  [[nodiscard]] bool has_failed() const { return is_gone.load(std::memory_order_acquire) || health->has_failed(); }

  const std::string path;
  SharedJournal journal;
  std::shared_ptr<DiskHealth> health = std::make_shared<DiskHealth>();  ///< One for all directories on a file system.
  std::atomic<bool> is_gone = false;                                    ///< The directory failed, and nothing is said of its disk.
};

}  // namespace tidelog::broker
