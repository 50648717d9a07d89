#pragma once

#include "storage/disk/file_system.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::storage {

/// Which log a directory holds. `log_id` is random per incarnation, so that a replica moved away and back is another log (R11).
struct LogIdentity {
  Uuid topic_id;
  std::uint64_t log_id = 0;
  bool operator==(const LogIdentity&) const = default;
};

/// Where a log lives.
struct LogPlace {
  FileSystem* files = nullptr;
  std::string directory;  ///< `<log.dir>/<topic>-<partition>`
};

struct LogDirectoryName {
  std::string topic;
  PartitionIndex partition;
  bool operator==(const LogDirectoryName&) const = default;
};

/// `<topic>-<partition>`, the last component only.
std::string log_directory_name(std::string_view topic, PartitionIndex partition);
/// Inverse; nothing if `name` is not such a name (`.lock`, a trash directory ...).
std::optional<LogDirectoryName> parse_log_directory_name(std::string_view name);

/// Reads `partition.metadata`. `not_found`: none there (a creation that did not finish); `corrupt`: not what we write.
Result<LogIdentity> read_identity(const LogPlace& place);

/// Takes a log's directory out of service under `<directory>.<log_id>-delete` and syncs the parent; returns the new path, to be handed to
/// `FileSystem::remove_all` later. Needs the Log closed. Open slices stay readable.
Result<std::string> set_log_aside(const LogPlace& place, std::uint64_t log_id);
/// The same under `<directory>.<log_id>-stray`, which nobody removes.
Result<std::string> set_stray_aside(const LogPlace& place, std::uint64_t log_id);
/// Whether `name` is a directory that `set_log_aside` left: remove it at start.
bool is_set_aside(std::string_view name);

}  // namespace tidelog::storage
