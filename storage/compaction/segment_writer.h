#pragma once

#include "proto/record/byte_buffer.h"
#include "storage/compaction/plan.h"
#include "storage/compaction/swap.h"
#include "storage/log/identity.h"
#include "storage/log/segment_index.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tidelog::storage {

/// What takes the place of some segments: written and synced under its first name, not in use yet.
struct CleanedSegment {
  SwapName swap;
  std::uint64_t size_bytes = 0;
  std::vector<SegmentFacts> replaces;
  std::shared_ptr<File> file;
  std::unique_ptr<SegmentIndex> index;
};

/// Writes a segment aside, and indexes it on the way.
class SegmentWriter {
 public:
  /// Makes `BASE.log.cleaned`; what a crash left under that name is replaced.
  static Result<std::unique_ptr<SegmentWriter>> make(const LogPlace& place, Offset base, std::uint32_t index_interval_bytes);

  /// Where whole batches are put, in order. Written now and then.
  [[nodiscard]] proto::ByteBuffer& buffer() { return buffer_; }
  /// Takes what was put into the buffer; writes it once there are `at_least` bytes. `too_large`: the segment would pass 2^31 - 1.
  Result<void> flush(std::size_t at_least);
  /// Writes the rest and makes the file durable: the content and not the name.
  Result<CleanedSegment> finish(SwapName swap);
  /// Takes the file away.
  void discard();

  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_ + buffer_.size(); }
  /// Bytes written since this was asked last.
  [[nodiscard]] std::uint64_t take_written_bytes() { return std::exchange(written_bytes_, 0); }

 private:
  SegmentWriter(LogPlace place, Offset base, std::unique_ptr<File> file, std::uint32_t index_interval_bytes);
  Result<void> index_new();

  LogPlace place_;
  Offset base_;
  std::shared_ptr<File> file_;
  std::unique_ptr<SegmentIndex> index_;
  proto::ByteBuffer buffer_;
  std::size_t indexed_ = 0;  ///< Of the buffer.
  std::uint64_t size_bytes_ = 0;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace tidelog::storage
