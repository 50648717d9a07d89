#pragma once

#include "broker/reserve.h"
#include "proto/base/result.h"
#include "storage/manifest.h"

#include <map>
#include <memory>
#include <string>

namespace tidelog::broker {

/// Why the broker cannot start, in sentences for people.
struct StartError {
  std::string message;
  std::string hint;
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
  Reserve reserve_;
};

}  // namespace tidelog::broker
