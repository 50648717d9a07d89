#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/damage.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tidelog::storage {

/// A segment that was gone over.
struct CheckedSegment {
  const File& file;
  Offset base;
  std::uint64_t end = 0;  ///< Where its valid batches end.
  std::span<const DamagedRange> holes;
  bool may_grow = false;
};

/// What the indexes of a segment came to.
struct IndexCheck {
  std::uint64_t batches = 0;
  std::vector<std::string> wrong_files;  ///< Those that name a batch that is not there, or cannot be read at all.
};

/// Compares `.index` and `.timeindex` with the batches of a segment up to `end`. They may say less than there is: an index file is written
/// now and then. One that is missing is not wrong. More than there is only of a segment that grows meanwhile.
Result<IndexCheck> check_indexes(FileSystem& files, const std::string& directory, const CheckedSegment& segment);

}  // namespace tidelog::storage
