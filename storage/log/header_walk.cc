#include "storage/log/header_walk.h"

#include <algorithm>

namespace tidelog::storage {

Result<bool> HeaderWalk::next() {
  if (!holes_.empty()) skip_holes();
  if (next_ >= end_) return false;
  const bool is_buffered = next_ >= buffered_from_ && next_ + proto::kBatchHeaderBytes <= buffered_from_ + buffered_;
  if (!is_buffered) {
    if (const Result<void> filled = fill(next_); !filled) return filled.error();
  }
  const std::size_t at = static_cast<std::size_t>(next_ - buffered_from_);
  const Result<BatchHeader> header = parse_batch_header(Bytes(buffer_).first(buffered_).subspan(at));
  if (!header) return header.error();
  if (header->size_bytes > end_ - next_) return Errc::corrupt;
  if ((expected_ != kAny && header->base_offset != expected_) || header->leader_epoch < epoch_) return Errc::corrupt;
  expected_ = header->next_offset();
  epoch_ = header->leader_epoch;
  header_ = *header;
  position_ = next_;
  next_ += header->size_bytes;
  return true;
}

void HeaderWalk::skip_holes() {
  for (const DamagedRange& hole : holes_) {
    const bool is_missing_here = hole.position == hole.end_position && next_ == hole.position && expected_ == hole.from;
    const bool is_inside = next_ >= hole.position && next_ < hole.end_position;
    if (!is_missing_here && !is_inside) continue;
    next_ = hole.end_position;
    expected_ = hole.to;
  }
}

/// A batch larger than the buffer hints that the next is, too: then its header is all that is worth reading.
Result<void> HeaderWalk::fill(std::uint64_t from) {
  const std::size_t wanted = header_.size_bytes > kBufferBytes ? proto::kBatchHeaderBytes : kBufferBytes;
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end_ - from));
  const Result<std::size_t> got = file_.read_at(from, MutableBytes(buffer_).first(count));
  if (!got) return got.error();
  buffered_from_ = from;
  buffered_ = *got;
  return {};
}

}  // namespace tidelog::storage
