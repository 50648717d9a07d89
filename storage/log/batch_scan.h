#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/batch_header.h"

#include <cstdint>
#include <vector>

namespace tidelog::storage {

/// What a scan expects of the next batch, and where it stands after it.
struct ScanState {
  Offset next_offset{0};
  LeaderEpoch epoch{-1};  ///< Of the batch before.
};

/// Reads every byte of a segment's batches in order and finds the first that cannot be believed: wrong CRC, wrong offset, falling epoch,
/// or cut. Memory is one buffer whatever the batches say.
class BatchScan {
 public:
  BatchScan() : buffer_(kBufferBytes) {}

  /// Scans `file` from `position` to `end`; returns where the valid part ends. `state` moves on with each valid batch.
  Result<std::uint64_t> run(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state);

 private:
  static constexpr std::size_t kBufferBytes = 256U << 10;

  Result<bool> check_batch(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state);
  Result<bool> crc_fits(const File& file, std::uint64_t position, std::uint32_t size_bytes);
  /// At least one byte from `position` on, at most to `end`; all that is buffered.
  Result<Bytes> bytes_at(const File& file, std::uint64_t position, std::size_t at_least);

  std::vector<std::byte> buffer_;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::uint64_t next_position_ = 0;
};

}  // namespace tidelog::storage
