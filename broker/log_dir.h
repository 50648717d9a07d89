#pragma once

#include "broker/reserve.h"
#include "proto/base/result.h"
#include "storage/journal/contents.h"
#include "storage/manifest.h"

#include <map>
#include <memory>
#include <string>

namespace tidelog::broker {

/// Why the broker cannot start, in sentences for people.
struct StartError {
  std::string message;
  std::string hint;
  bool is_of_disk = false;  ///< One log directory's disk does not let us; nothing is wrong with what was asked for.
};

/// Who a log directory belongs to: `meta.properties`, as Kafka calls it.
struct DirIdentity {
  std::int32_t node_id = -1;
  std::string cluster_id;
  std::string directory_id;
};

/// The directory that holds a broker's logs: locked, known to be this node's, and what its manifest said.
/// Life: held while the broker runs; another process is kept out meanwhile.
class LogDir {
 public:
  /// Makes the directory if need be and takes it. A directory of another node is refused. `reserve_bytes`: see `Reserve`.
  static Result<std::unique_ptr<LogDir>, StartError> open(storage::FileSystem& files, const std::string& path, NodeId node,
                                                          std::uint64_t reserve_bytes);

  LogDir(const LogDir&) = delete;
  LogDir& operator=(const LogDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Nothing but an empty directory was here before.
  [[nodiscard]] bool is_new() const { return identity_.cluster_id.empty(); }
  [[nodiscard]] const DirIdentity& identity() const { return identity_; }
  /// Writes `meta.properties` once the cluster id is known.
  Result<void> claim(const std::string& cluster_id, const std::string& directory_id);

  [[nodiscard]] const storage::Manifest& manifest() const { return manifest_.manifest; }
  [[nodiscard]] storage::ManifestState manifest_state() const { return manifest_.state; }
  /// Whether the page cache outlived the process that wrote here before, so that its writes are there up to the last one. Also if nobody
  /// can know: then nothing is cut that may be whole.
  [[nodiscard]] bool writes_survived() const { return writes_survived_; }
  /// Whether a sync failed before this start, and recovery has not made whole yet what it left.
  [[nodiscard]] bool had_failed_sync() const { return had_failed_sync_; }
  /// A sync failed before this start that was about this directory as well.
  void doubt();
  /// A sync failed, so the page cache may have dropped what was written: the next start learns of it, if the disk still takes a name.
  void note_failed_sync();
  /// A log could not be opened. Where a sync may have been what failed, the same holds of what recovery wrote.
  void note_failed_recovery(Errc error);
  /// Recovery made durable what it found.
  void forget_failed_sync();
  /// Reads what the journal holds that the logs may need; not after a clean stop. Blocks. A sentence for people if rounds in it are
  /// damaged, else empty.
  Result<std::string> read_journal();
  [[nodiscard]] const storage::JournalContents& journal() const { return journal_; }
  /// Its logs are open: nobody needs it any more.
  void forget_journal() { journal_ = {}; }
  [[nodiscard]] Reserve& reserve() { return reserve_; }
  [[nodiscard]] storage::LogPlace place_of(std::string_view topic, PartitionIndex partition) const;

 private:
  LogDir(storage::FileSystem& files, std::string path, NodeId node, std::uint64_t reserve_bytes)
      : files_(files), path_(std::move(path)), node_(node), reserve_(files, path_, reserve_bytes) {}

  storage::FileSystem& files_;
  std::string path_;
  NodeId node_;
  std::unique_ptr<storage::DirLock> lock_;
  DirIdentity identity_;
  storage::LoadedManifest manifest_;
  bool writes_survived_ = false;
  bool had_failed_sync_ = false;
  storage::JournalContents journal_;
  Reserve reserve_;
};

}  // namespace tidelog::broker
