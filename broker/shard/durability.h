#pragma once

#include "broker/shard/shard.h"
#include "storage/log/log.h"

#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {

/// A log whose appends are to become durable. Implemented by the partition that owns the log.
class DurableLog {
 public:
  /// What has to be synced so that everything written so far is durable. Owner's thread.
  virtual storage::SyncTicket begin_sync() = 0;
  /// The sync of `ticket` succeeded: its end is durable. Owner's thread.
  virtual void finish_sync(const storage::SyncTicket& ticket) = 0;

  /// Kept by the `Durability` it was contributed to: it waits there for its round.
  bool waits_for_round = false;

 protected:
  ~DurableLog() = default;
};

/// Makes appends durable in rounds. The one door through which every fsync-mode append goes: direct sync today, the journal behind the
/// same calls later. Thread: one loop.
/// Invariant: `finish_sync` is called only after a sync that began after the bytes were written, in the order the rounds began.
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
};

/// Syncs the files of every contributed log, a round at a time; what is contributed meanwhile makes the next round (group commit).
/// A failed sync is never retried: `on_failure` is called, and no round ends well any more.
std::unique_ptr<Durability> make_direct_durability(Shard& shard, std::move_only_function<void(std::string)> on_failure);

}  // namespace tidelog::broker
