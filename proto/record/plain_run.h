#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <limits>

namespace tidelog::proto {

/// Records at the front of some bytes, of the kind that nearly all records are.
struct PlainRun {
  std::size_t size_bytes = 0;
  std::int32_t count = 0;
  /// Of the timestamp deltas; the least is above the greatest while there are none.
  std::int64_t least_delta = std::numeric_limits<std::int64_t>::max();
  std::int64_t greatest_delta = std::numeric_limits<std::int64_t>::min();
};

/// Passes over records in which all is well and nothing unusual: `parse_record` takes each without a fault, its offset delta is its place
/// (`first` for the first one), no length is below -1, every header name is ASCII, and there is a key if `needs_keys`. Ends before the
/// first that may be anything else, or that stands too near the end for being read in whole words, or at `end`: what is wrong with a
/// record, if anything, is for `parse_record` to say. Never reads outside `records`.
PlainRun take_plain_run(Bytes records, std::int32_t first, std::int32_t end, bool needs_keys);

}  // namespace tidelog::proto
