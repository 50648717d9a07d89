#pragma once

#include "storage/disk/file_system.h"
#include "storage/key_value/key_value_store.h"

#include <memory>
#include <string>
#include <utility>

namespace tidelog::storage {

/// A store in RocksDB, in a directory of its own: `<directory>/store`, and for a moment `<directory>/discarded`. Nothing is written beside
/// it, and nothing is logged. An open store takes at most some 12 MiB, 64 descriptors and three threads, and some 100 ms to open.
///
/// It keeps no log of its own: what was written since the last `sync`, or since the memory for it was last full, goes with the process.
/// Who uses it has another log to go on from.
class RocksdbPlace final : public KeyValuePlace {
 public:
  /// `files` is of this machine's disks: RocksDB goes to them by itself. Touches nothing.
  RocksdbPlace(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  bool exists() override;
  Result<std::unique_ptr<KeyValueStore>> open() override;
  Result<void> discard() override;
  [[nodiscard]] static std::string store_in(const std::string& directory) { return directory + "/store"; }

 private:
  [[nodiscard]] std::string discarded() const { return directory_ + "/discarded"; }

  FileSystem& files_;
  std::string directory_;
};

}  // namespace tidelog::storage
