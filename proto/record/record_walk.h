#pragma once

#include "proto/record/validate.h"

namespace tidelog::proto {

// The part of validation that looks at records; `validate.h` says what it promises.

/// Walks `records`, the plain records of `batch`, and returns their greatest timestamp, -1 at least. A fault in the bytes ends the walk;
/// missing keys and timestamps out of bounds are collected with their places, keys going first.
Result<TimestampMs, BatchError> walk_records(const BatchView& batch, Bytes records, const ValidationRules& rules);

/// The same, with a close look at every record: what `walk_records` has to agree with, while it passes over runs of plain records.
Result<TimestampMs, BatchError> walk_records_one_by_one(const BatchView& batch, Bytes records, const ValidationRules& rules);

/// Holds the header's max timestamp against the bounds, for a batch whose records stay closed, and returns it.
Result<TimestampMs, BatchError> check_max_timestamp(const BatchView& batch, const ValidationRules& rules);

}  // namespace tidelog::proto
