#pragma once

#include "storage/journal/contents.h"
#include "storage/log/identity.h"
#include "storage/recovery.h"

namespace tidelog::storage {

/// What the journal holds of one log.
struct JournaledLog {
  std::uint64_t log_id;
  const JournalContents& journal;
};

/// Appends to a log's files what the journal holds of it and they do not, and makes it durable. `recovered` is what recovery made of the
/// files; it moves to the new end. Records between the end of the files and the first batch that is left in the journal are damage then,
/// and are noted as such.
/// Crash: running recovery again gives the same files. Errors are those of the file system; the log then stays closed.
Result<void> restore_from_journal(const LogPlace& place, const JournaledLog& log, RecoveredFiles& recovered, RecoveryReport& report);

}  // namespace tidelog::storage
