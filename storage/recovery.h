#pragma once

#include "storage/log/damage.h"
#include "storage/log/identity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::storage {

/// What the manifest knows of a log. Every byte below (segment_base, position) is in synced files, and `offset` is the first above them.
struct RecoveryPoint {
  Offset log_start{0};
  Offset offset{0};
  Offset segment_base{0};
  std::uint64_t position = 0;
  bool operator==(const RecoveryPoint&) const = default;
};

/// What opening logs cost and found, summed over all logs it is handed to; for the log lines of the owner.
struct RecoveryReport {
  std::uint64_t logs_scanned = 0;
  std::uint64_t bytes_scanned = 0;
  std::uint64_t bytes_cut = 0;
  std::uint64_t segments_set_aside = 0;
  std::uint64_t ranges_damaged = 0;
  std::uint64_t batches_restored = 0;  ///< From the journal.
  std::uint64_t unopened = 0;          ///< Logs that were there before and could not be opened.
  /// Not empty: why nothing may be served. Somebody was told that records are safe that only the journal may have, and whoever goes on
  /// gives the journal up. The next start may do better.
  std::string must_not_go_on{};
  std::vector<std::string> notes;  ///< One sentence each: what was cut, set aside or found damaged, with file, offset and position.
};

/// A log's files after recovery: (segment_base, position) is the end of its last file, `offset` its end offset.
struct RecoveredFiles {
  RecoveryPoint end;
  bool scanned = false;  ///< False: the last file ends where the recovery point says, nothing was read.
  Damage damage{};       ///< What cannot be read of it, found now or before.
};

struct RecoveryRequest {
  std::optional<RecoveryPoint> known;  ///< From the manifest; nothing: the recovery point is the start of the oldest segment.
  bool full_check = false;             ///< Also reads what lies below the recovery point.
  bool was_clean = false;              ///< Nothing was written since the manifest, so a look at the last file is enough.
  /// The page cache outlived the process, so that what it wrote is there up to the last write: something valid behind something invalid
  /// proves damage. Say so, too, if nothing is known: then nothing that is valid is cut.
  bool writes_survived = false;
  /// A sync failed before this start: the page cache may hold as clean what the disk lacks, so what is accepted is written once more, to
  /// new files: blocks that could not be written once are not trusted again. Not with `writes_survived`: nothing tells damage from a tear
  /// then.
  bool writes_again = false;
  /// The journal has batches of this log, which are put behind what the files have: a log that ends below its start is not begun anew
  /// before that (`begin_at_log_start`).
  bool journal_follows = false;
  /// With `was_clean`: logs may have damaged ranges or a truncation that was not carried out, which are looked up then.
  bool had_damage = false;
  TimestampMs now{0};  ///< Part of the names of what is kept aside.
};

/// Makes a log's files whole again after an unclean stop: scans from the recovery point (CRC, contiguous offsets, epochs that do not fall),
/// cuts what a crash tore after copying it aside, and syncs what it accepted. What follows on bytes that are not there is set aside. Damage
/// is told, written to `damaged-ranges`, and left as it is: docs/decisions/0003 says what is torn and what is damaged. Crash: at any point,
/// running it again gives the same files. Errors are those of the file system; the log then stays closed.
Result<RecoveredFiles> recover_files(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report);

/// The log start was moved above what survived: records below it were deleted, and their offsets must not be given out again, so a file
/// begins there.
Result<void> begin_at_log_start(const LogPlace& place, RecoveredFiles& recovered, RecoveryReport& report);

}  // namespace tidelog::storage
