#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/batch_scan.h"
#include "storage/log/damage.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tidelog::storage {

/// The part of a segment that is to be read again: what was synced of it, and what of that is known to be damaged.
struct ScrubPiece {
  std::shared_ptr<File> file;
  Offset base;
  Offset end;  ///< The offset behind the last batch of it.
  std::uint64_t size_bytes = 0;
  std::vector<DamagedRange> holes;
  std::uint32_t swaps_made = 0;  ///< Of the log then: one more, and the file may not be the segment any more.
};

/// Reads a segment a slice at a time and compares every checksum, so that what rotted on the disk is known before somebody needs it.
/// Thread: one at a time; blocks on the disk. Changes nothing.
class SegmentScrub {
 public:
  explicit SegmentScrub(ScrubPiece piece) : piece_(std::move(piece)), state_{.next_offset = piece_.base} {}

  /// Reads on by about `bytes`, more where a batch is larger or damage is found. True when all was read. Errors: of the file system.
  Result<bool> step(std::uint64_t bytes);

  [[nodiscard]] const ScrubPiece& piece() const { return piece_; }
  [[nodiscard]] std::uint64_t read_bytes() const { return read_bytes_; }
  /// What was found and was not known. Complete when `step` says true.
  [[nodiscard]] const std::vector<DamagedRange>& damaged() const { return damaged_; }

 private:
  [[nodiscard]] std::uint64_t skip_holes();
  Result<void> look_closely();

  ScrubPiece piece_;
  ScanState state_;
  std::uint64_t position_ = 0;
  std::uint64_t read_bytes_ = 0;
  std::vector<DamagedRange> damaged_;
};

}  // namespace tidelog::storage
