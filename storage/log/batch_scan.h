#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/batch_header.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tidelog::storage {

/// What a scan expects of the next batch, and where it stands after it.
struct ScanState {
  Offset next_offset{0};
  LeaderEpoch epoch{-1};  ///< Of the batch before.
};

/// Whether the bytes of the records are looked at, or only what stands in front of them.
enum class ScanDepth : std::uint8_t { headers, checksums };

/// Reads a segment's batches in order and finds the first that cannot be believed: wrong CRC, wrong offset, falling epoch, or cut.
/// Memory is one buffer whatever the batches say.
class BatchScan {
 public:
  /// `limit`: where the next segment begins, which has the batches from there on.
  explicit BatchScan(ScanDepth depth = ScanDepth::checksums, Offset limit = Offset{INT64_MAX})
      : depth_(depth), limit_(limit), buffer_(kBufferBytes) {}

  /// A batch that was found valid, and what was expected before it.
  struct Step {
    std::uint64_t position = 0;
    std::uint64_t end_position = 0;
    ScanState before;
  };

  /// Scans `file` from `position` to `end`; returns where the valid part ends. `state` moves on with each valid batch.
  Result<std::uint64_t> run(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state);
  /// `run` ends with the batch that brings it to so many bytes.
  void stop_after(std::uint64_t bytes) { most_bytes_ = bytes; }
  /// The last batch that `run` went over; nothing if there was none.
  [[nodiscard]] const std::optional<Step>& last() const { return last_; }

  /// The header at `position` if it can be right and the batch ends at or below `end`.
  Result<std::optional<BatchHeader>> header_at(const File& file, std::uint64_t position, std::uint64_t end);
  /// Whether the CRC fits, if the batch has `size_bytes`.
  Result<bool> crc_fits(const File& file, std::uint64_t position, std::uint64_t size_bytes);
  /// At least `at_least` bytes from `position` on, as far as the file goes; all that is buffered. Valid until the next call.
  Result<Bytes> bytes_at(const File& file, std::uint64_t position, std::size_t at_least);

 private:
  static constexpr std::size_t kBufferBytes = 256U << 10;

  Result<bool> check_batch(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state);

  ScanDepth depth_;
  Offset limit_;
  std::uint64_t most_bytes_ = UINT64_MAX;
  std::vector<std::byte> buffer_;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::optional<Step> last_;
};

}  // namespace tidelog::storage
