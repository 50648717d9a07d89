#pragma once

#include "storage/disk/file_system.h"

#include <cstdint>
#include <memory>

namespace tidelog::storage {

/// Whole batches of one segment, for `Stream::send_file` or a copy.
/// Life: pins its file: deleting the segment meanwhile takes away the name, not the bytes (R13).
/// Invariant: `size_bytes` is 0 or the exact size of whole batches; the file's bytes in the range never change.
struct Slice {
  std::shared_ptr<const File> file;  ///< Null if the slice is empty.
  std::uint64_t position = 0;
  std::uint64_t size_bytes = 0;
  Offset first_offset;  ///< Base offset of the first batch: may lie below the offset asked for.
  Offset next_offset;   ///< One past the last batch; where a sequential reader goes on.
  /// It lies on the disk alone and nobody saw yet that its batches go on one from the other: `check_chain` it before it is sent.
  bool needs_check = false;
  [[nodiscard]] bool empty() const { return size_bytes == 0; }
};

/// Whether a read may pass its byte limit for the sake of one whole batch.
enum class FirstBatch : std::uint8_t { even_if_larger, only_if_it_fits };

}  // namespace tidelog::storage
