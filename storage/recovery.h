#pragma once

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
  std::vector<std::string> notes;  ///< One sentence each: what was cut, set aside or found damaged, with file, offset and position.
};

/// A log's files after recovery: (segment_base, position) is the end of its last file, `offset` its end offset.
struct RecoveredFiles {
  RecoveryPoint end;
  bool scanned = false;  ///< False: the last file ends where the recovery point says, nothing was read.
  std::string damage{};  ///< Not empty: bytes below the recovery point are missing or wrong; nothing was changed.
};

struct RecoveryRequest {
  std::optional<RecoveryPoint> known;  ///< From the manifest; nothing: the recovery point is the start of the oldest segment.
  bool full_check = false;             ///< Also reads what lies below the recovery point.
  bool was_clean = false;              ///< Nothing was written since the manifest, so a look at the last file is enough.
};

/// Makes a log's files whole again after an unclean stop: scans from the recovery point (CRC, contiguous offsets, epochs that do not fall),
/// cuts at the first invalid byte after copying what follows to `<file>.cut`, sets later segments aside under the same name, and syncs
/// what it accepted. Damage below the recovery point is reported and left as it is.
/// Crash: at any point, running it again gives the same files. Errors are those of the file system; the log then stays closed.
Result<RecoveredFiles> recover_files(const LogPlace& place, const RecoveryRequest& request, RecoveryReport& report);

}  // namespace tidelog::storage
