#pragma once

#include "broker/shard/log_disk.h"
#include "broker/shard/shard.h"
#include "storage/log/log.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

/// A log whose appends are to become durable. Implemented by the partition that owns the log.
class DurableLog {
 public:
  /// What the next round of it would be about. Owner's thread.
  struct Pending {
    std::uint64_t bytes = 0;       ///< That no round has covered.
    bool needs_file_sync = false;  ///< The journal will not do.
  };
  [[nodiscard]] virtual Pending pending() const = 0;
  /// What has to be synced so that everything written so far is durable. Owner's thread.
  virtual storage::SyncTicket begin_sync(storage::SyncMeans means) = 0;
  /// The round of `ticket` succeeded: its end is durable. Owner's thread.
  virtual void finish_sync(const storage::SyncTicket& ticket) = 0;

  /// Kept by the `Durability` it was contributed to: it waits there for its round.
  bool waits_for_round = false;

 protected:
  ~DurableLog() = default;
};

/// What ended the service of a log directory.
enum class DiskFailure : std::uint8_t { sync, write };

/// Makes appends to the logs of one directory durable in rounds. The one door through which every fsync-mode append goes. Thread: one loop.
/// Invariant: `finish_sync` is called only after a sync that began after the bytes were written.
class Durability {
 public:
  Durability() = default;
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;
  virtual ~Durability() = default;

  /// `log` has bytes that are not durable. Its next round covers all it has written until that round begins.
  virtual void contribute(DurableLog& log) = 0;
  /// `log` goes away: no call reaches it after this, not even from a round under way.
  virtual void forget(DurableLog& log) = 0;
  /// Returns when everything contributed before this call is durable. False: a sync failed, and it never will be.
  virtual asio::awaitable<bool> contributed_are_durable() = 0;
  /// Syncs the files of these logs, whatever the journal holds of them, and returns when that is done; rounds go on meanwhile. False: it
  /// failed. One call at a time.
  virtual asio::awaitable<bool> sync_files(std::vector<DurableLog*> logs) = 0;
  /// A write to a log failed, and the log says why. Whether that ends the directory's service is not the writer's to judge.
  virtual void write_failed(const storage::Log& log, Errc error) = 0;
  /// The directory is offline: no round ends well any more, and whoever waits for one is told.
  virtual void give_up() = 0;
};

/// Rounds over every contributed log; what is contributed meanwhile makes the next round (group commit). A round of many logs with few
/// bytes each is written to the journal once that is open, any other one syncs files.
/// A failed sync is never retried: `on_failure` is called, and no round ends well any more. So it is when a write fails as only a disk that
/// is ill or gone fails it.
std::unique_ptr<Durability> make_durability(Shard& shard, LogDisk& disk,
                                            std::move_only_function<void(DiskFailure, std::string)> on_failure);

}  // namespace tidelog::broker
