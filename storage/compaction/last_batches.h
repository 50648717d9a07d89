#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <unordered_map>

namespace tidelog::storage {

/// The batch that tells of a producer after everything behind it is lost. `last_offset` -1: a marker did, and only the epoch is known.
struct LastBatch {
  std::int16_t epoch = -1;
  Offset last_offset{-1};
  bool operator==(const LastBatch&) const = default;
};

/// By producer id. Compaction keeps these batches, emptied if need be, so that producer state can be rebuilt from the log.
using LastBatches = std::unordered_map<std::int64_t, LastBatch>;

}  // namespace tidelog::storage
