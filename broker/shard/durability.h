#pragma once

#include "broker/shard/shard.h"
#include "broker/shard/shared_journal.h"
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

/// Makes appends durable in rounds. The one door through which every fsync-mode append goes. Thread: one loop.
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
  /// Returns when everything contributed before this call is durable. Never returns after a failed sync.
  virtual asio::awaitable<void> contributed_are_durable() = 0;
  /// Syncs the files of these logs, whatever the journal holds of them, and returns when that is done; rounds go on meanwhile. Never
  /// returns after a failed sync. One call at a time.
  virtual asio::awaitable<void> sync_files(std::vector<DurableLog*> logs) = 0;
};

/// Rounds over every contributed log; what is contributed meanwhile makes the next round (group commit). A round of many logs with few
/// bytes each is written to `journal` once that is open, any other one syncs files.
/// A failed sync is never retried: `on_failure` is called, and no round ends well any more.
/// `path`: a directory of the disk that holds the logs.
std::unique_ptr<Durability> make_durability(Shard& shard, SharedJournal& journal, std::string path,
                                            std::move_only_function<void(std::string)> on_failure);

}  // namespace tidelog::broker
