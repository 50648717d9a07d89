#pragma once

#include "storage/log/identity.h"
#include "storage/recovery.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::storage {

/// Something in a log directory that is not as it should be.
struct CheckFinding {
  std::string file;
  std::optional<Offset> offset;
  std::optional<std::uint64_t> position;
  std::string cause;
  std::string hint;
  /// Bytes of records, or what says where they are: not what is rebuilt by itself.
  bool is_damage = true;
};

struct CheckReport {
  std::uint64_t logs = 0;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  std::vector<CheckFinding> findings;
};

/// Reads all of one log: checksums, offsets, epochs, whether indexes lead to batches, and the files beside them. Changes nothing and takes
/// no lock, so it may run beside a broker: what comes to be or goes meanwhile is no finding. `known`: what the manifest says. Fails where
/// the file system does.
Result<void> check_log(const LogPlace& place, const std::optional<RecoveryPoint>& known, CheckReport& report);

/// The same for every log below a broker's log directory, and its manifest.
Result<void> check_log_dir(FileSystem& files, const std::string& log_dir, CheckReport& report);

}  // namespace tidelog::storage
