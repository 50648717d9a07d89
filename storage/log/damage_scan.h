#pragma once

#include "storage/log/batch_scan.h"
#include "storage/log/damage.h"

#include <optional>
#include <vector>

namespace tidelog::storage {

/// A valid batch, and the segment it stands in.
struct PlacedBatch {
  BatchScan::Step step;
  Offset segment_base;
};

/// A part of one segment to go over.
struct Stretch {
  const File& file;
  Offset segment_base;
  std::uint64_t position = 0;  ///< Where a batch begins, if all is well.
  std::uint64_t end = 0;
  Offset limit{INT64_MAX};  ///< No batch in it can hold this offset: the next segment begins there.
  std::optional<PlacedBatch>
      before{};  ///< The batch right before the stretch, if it was gone over: its epoch may turn out to be the wrong one.
};

/// What was found in it.
struct ScanResult {
  std::uint64_t valid_end = 0;  ///< Where the last valid batch ends; behind it, if it is not the stretch's end, nothing is valid.
  std::vector<DamagedRange> damaged;
  std::optional<PlacedBatch> last{};  ///< The valid batch that ends at `valid_end`, or the one before the stretch.
};

/// Goes over a stretch of a segment and steps over what is damaged, as far as valid batches follow: docs/decisions/0003 has the rules by
/// which they are found. `state` goes in as what is expected at the beginning and comes out as what is expected at `valid_end`.
Result<ScanResult> scan_over_damage(const Stretch& stretch, ScanDepth depth, ScanState& state);

/// Where valid batches go on.
struct Resumption {
  std::uint64_t position = 0;
  Offset base;
};

/// Behind the invalid batch at `stretch.position`, where `state` was expected. Nothing: nowhere in the stretch.
Result<std::optional<Resumption>> find_resumption(const Stretch& stretch, const ScanState& state);

}  // namespace tidelog::storage
