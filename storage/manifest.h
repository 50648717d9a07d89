#pragma once

#include "storage/journal/journal.h"
#include "storage/recovery.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::storage {

struct ManifestEntry {
  TopicPartition partition;
  std::uint64_t log_id = 0;
  RecoveryPoint recovery;
  bool operator==(const ManifestEntry&) const = default;
};

/// What one log.dir knows of its logs: docs/formats.md has the bytes. It takes the place of Kafka's recovery-point, log-start-offset and
/// clean-shutdown files.
/// Crash: written as a whole, old or new; one CRC covers all.
struct Manifest {
  Uuid boot_id;             ///< Of the machine when it was written: another one now means the page cache is gone.
  bool clean = false;       ///< Written at the end of a clean stop, nothing was appended since.
  bool has_damage = false;  ///< At least one log has a `damaged-ranges`.
  std::vector<ManifestEntry> logs;
  /// Where the journal begins that the logs may need; nothing: they need none.
  std::optional<JournalPosition> replay_from;

  /// Sorts `logs` by partition, as `find` needs; loading and storing do it by themselves.
  void sort();
  /// The entry of `partition` if it is of this incarnation (R11).
  [[nodiscard]] const ManifestEntry* find(const TopicPartition& partition, std::uint64_t log_id) const;
  /// The entry of `partition` whatever its log id.
  [[nodiscard]] const ManifestEntry* find(const TopicPartition& partition) const;
};

enum class ManifestState : std::uint8_t { read, missing, corrupt };

/// Not `read`: the manifest is empty, the caller says so loudly and every log is scanned from its start.
struct LoadedManifest {
  ManifestState state = ManifestState::missing;
  Manifest manifest;
};

/// Fails only where the file system does.
Result<LoadedManifest> load_manifest(FileSystem& files, const std::string& log_dir);
/// Replaces the manifest; once this returns it survives power loss.
Result<void> store_manifest(FileSystem& files, const std::string& log_dir, Manifest& manifest);

std::string encode_manifest(Manifest& manifest);
/// `Errc::corrupt` for anything that `encode_manifest` did not write.
Result<Manifest> decode_manifest(Bytes bytes);

}  // namespace tidelog::storage
