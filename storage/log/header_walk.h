#pragma once

#include "storage/disk/file_system.h"
#include "storage/log/batch_header.h"
#include "storage/log/damage.h"

#include <array>
#include <cstdint>
#include <span>

namespace tidelog::storage {

/// Steps over the batches of a file, reading headers only, and over what is known to be damaged.
/// Life: file and holes outlive it. Lives on the stack: it has its read buffer inside.
class HeaderWalk {
 public:
  /// From `position`, where a batch begins, to `end`, where one ends.
  HeaderWalk(const File& file, std::uint64_t position, std::uint64_t end, std::span<const DamagedRange> holes = {})
      : file_(file), holes_(holes), next_(position), end_(end) {}

  /// Goes to the next batch; false at the end. `Errc::corrupt`: what stands there is no batch, passes the end, or does not go on from the
  /// one before: another offset, or an epoch that falls.
  Result<bool> next();

  /// Starts again at `position`.
  void seek(std::uint64_t position) {
    next_ = position;
    expected_ = kAny;
    epoch_ = {-1};
  }
  /// The next call of `next` finds the current batch again, without reading it again.
  void rewind() {
    next_ = position_;
    expected_ = header_.base_offset;
    epoch_ = header_.leader_epoch;
  }
  /// The next batch has to begin with this offset.
  void expect(Offset base) { expected_ = base; }

  [[nodiscard]] const BatchHeader& header() const { return header_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Where the current batch ends.
  [[nodiscard]] std::uint64_t next_position() const { return next_; }

 private:
  static constexpr std::size_t kBufferBytes = 4096;
  static constexpr Offset kAny{-1};
  Result<void> fill(std::uint64_t from);
  void skip_holes();

  const File& file_;
  std::span<const DamagedRange> holes_;
  Offset expected_ = kAny;
  LeaderEpoch epoch_{-1};
  std::uint64_t position_ = 0;
  std::uint64_t next_;
  std::uint64_t end_;
  BatchHeader header_;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::array<std::byte, kBufferBytes> buffer_;
};

}  // namespace tidelog::storage
