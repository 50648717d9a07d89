#pragma once

#include "storage/log/leader_epochs.h"
#include "storage/recovery.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::storage {

/// Bytes of a file that were written since the last round.
struct FreshBytes {
  std::shared_ptr<File> file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// How a round makes bytes durable: by syncing the files they are in, or by writing them a second time, into the journal.
enum class SyncMeans : std::uint8_t { files, journal };

/// One log's share of a sync round: which files and directories make its bytes up to `end()` durable.
/// Thread: made and finished by the log's owner, synced anywhere in between.
struct SyncTicket {
  std::vector<std::shared_ptr<File>> files;
  std::vector<std::string> directories;  ///< Of files that are new since the last sync.
  /// What the round has to make durable: the journal may keep it instead of syncing the files. All of it is whole batches.
  std::vector<FreshBytes> fresh;
  std::uint64_t log_id = 0;
  SyncMeans means = SyncMeans::files;  ///< What was done in the end: set before it is finished.
  Offset end_offset;                   ///< Durable once this is synced.
  RecoveryPoint covers;                ///< The recovery point then.
  std::uint32_t files_made = 0;
  std::uint32_t cuts_made = 0;
  std::optional<LeaderEpochs> epochs_saved;  ///< What the epoch file holds that is synced with the rest.
  bool moves_recovery_point = true;  ///< False if the epoch file could not be written: the data is durable, a restart scans it again.

  /// Syncs files, then directories. A failure is final: it must not be retried.
  [[nodiscard]] Result<void> sync(FileSystem& file_system) const;
};

}  // namespace tidelog::storage
