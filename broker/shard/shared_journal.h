#pragma once

#include "storage/journal/journal.h"
#include "storage/log/sync_ticket.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace tidelog::broker {

/// The journal of a log directory, as its shards share it. There is no journal until `open`, and whoever asks is told to sync files
/// instead. Thread: any.
class SharedJournal {
 public:
  /// From here on rounds may be written. The manifest on disk must name `journal->next()` as where to read from.
  void open(std::unique_ptr<storage::Journal> journal);
  [[nodiscard]] bool is_open() const { return is_open_.load(std::memory_order_acquire); }

  /// Whether a round over this many logs and bytes is better written here than synced file by file, and can be.
  [[nodiscard]] bool suits(std::size_t logs, std::uint64_t bytes);
  void want() { wishes_.store(kWishes, std::memory_order_relaxed); }
  /// Such rounds came while there was no journal, or there was one before.
  [[nodiscard]] bool is_wanted() const { return wishes_.load(std::memory_order_relaxed) >= kWishes; }
  /// Writes what is fresh in the tickets as one round and syncs it. False: there is no room, or the bytes are not what they should be; the
  /// files have to be synced. An error is final, as that of a sync. Blocks.
  Result<bool> write(std::span<const storage::SyncTicket* const> tickets);
  /// Has recovery pass over all that earlier rounds hold of these logs, which are about to be cut back, as one round. True: so it is, or
  /// there is no journal. False: there is no room; a checkpoint makes some. An error is final. Blocks.
  Result<bool> write_bases(std::span<const storage::JournalBase> bases);

  /// Where the next round will be, or the one is that is being written; nothing while there is no journal.
  [[nodiscard]] std::optional<storage::JournalPosition> next() const;
  /// The manifest on disk names `from`.
  void release(const storage::JournalPosition& from);
  /// Time for a checkpoint, so that there is always room.
  [[nodiscard]] bool is_half_full() const { return is_half_full_.load(std::memory_order_relaxed); }

 private:
  /// Some now and then are no reason to take a part of the disk.
  static constexpr std::uint32_t kWishes = 16;

  Result<bool> write_round();
  void note_next();
  void release_what_may_go();
  void note_use();

  std::mutex writing_;  ///< Held while a round is written and synced: never waited for on an event loop.
  std::unique_ptr<storage::Journal> journal_;
  storage::RoundBuilder round_;
  std::vector<std::byte> bytes_;

  mutable std::mutex noting_;  ///< For these two, and held for no longer than it takes to copy them.
  std::optional<storage::JournalPosition> next_;
  std::optional<storage::JournalPosition> released_;
  std::atomic<bool> is_open_ = false;
  std::atomic<bool> is_half_full_ = false;
  std::atomic<std::uint32_t> wishes_ = 0;
};

}  // namespace tidelog::broker
