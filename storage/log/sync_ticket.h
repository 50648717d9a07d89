#pragma once

#include "storage/recovery.h"

#include <memory>
#include <string>
#include <vector>

namespace tidelog::storage {

/// One log's share of a sync round: which files and directories make its bytes up to `end()` durable.
/// Thread: made and finished by the log's owner, synced anywhere in between.
struct SyncTicket {
  std::vector<std::shared_ptr<File>> files;
  std::vector<std::string> directories;  ///< Of files that are new since the last round.
  Offset end_offset;                     ///< Durable once this is synced.
  RecoveryPoint covers;                  ///< The recovery point then.
  std::uint32_t files_made = 0;
  std::uint32_t cuts_made = 0;
  bool moves_recovery_point = true;  ///< False if the epoch file could not be written: the data is durable, a restart scans it again.

  /// Syncs files, then directories. A failure is final: it must not be retried.
  [[nodiscard]] Result<void> sync(FileSystem& file_system) const;
};

}  // namespace tidelog::storage
