#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/slice.h"

#include <cstdint>

namespace tidelog::storage {

/// A point between two batches: `offset` is the first one behind it.
struct Boundary {
  Offset offset;
  std::uint64_t position = 0;
};

/// Whether the batches between two boundaries go on one from the other: what no checksum covers. Reads headers only; waits for the disk.
/// `Errc::corrupt`: they do not. Thread: any.
Result<void> check_chain(const File& file, const Boundary& from, const Boundary& to);
/// The same of a slice, if nobody saw it yet (`needs_check`).
Result<void> check_chain(const Slice& slice);

}  // namespace tidelog::storage
