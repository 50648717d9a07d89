#include "storage/log/batch_scan.h"

#include "proto/record/crc32c.h"

#include <algorithm>

namespace tidelog::storage {

Result<std::uint64_t> BatchScan::run(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state) {
  buffered_ = 0;
  last_.reset();
  const std::uint64_t begin = position;
  while (position < end && position - begin < most_bytes_ && state.next_offset != limit_) {
    const Result<bool> is_valid = check_batch(file, position, end, state);
    if (!is_valid) return is_valid.error();
    if (!*is_valid) break;
    position = last_->end_position;
  }
  return position;
}

Result<bool> BatchScan::check_batch(const File& file, std::uint64_t position, std::uint64_t end, ScanState& state) {
  const Result<std::optional<BatchHeader>> header = header_at(file, position, end);
  if (!header) return header.error();
  if (!*header || (*header)->base_offset != state.next_offset || (*header)->leader_epoch < state.epoch) return false;
  if (depth_ == ScanDepth::checksums) {
    const Result<bool> fits = crc_fits(file, position, (*header)->size_bytes);
    if (!fits || !*fits) return fits;
  }
  last_ = Step{.position = position, .end_position = position + (*header)->size_bytes, .before = state};
  state = {.next_offset = (*header)->next_offset(), .epoch = (*header)->leader_epoch};
  return true;
}

Result<std::optional<BatchHeader>> BatchScan::header_at(const File& file, std::uint64_t position, std::uint64_t end) {
  const Result<Bytes> front = bytes_at(file, position, proto::kBatchHeaderBytes);
  if (!front) return front.error();
  const Result<BatchHeader> header = parse_batch_header(*front);
  if (!header || header->size_bytes > end - position) return std::optional<BatchHeader>{};
  return std::optional(*header);
}

Result<bool> BatchScan::crc_fits(const File& file, std::uint64_t position, std::uint64_t size_bytes) {
  const Result<Bytes> front = bytes_at(file, position, proto::kBatchHeaderBytes);
  if (!front) return front.error();
  if (front->size() < proto::kBatchHeaderBytes) return false;
  const auto stored = load_be<std::uint32_t>(front->data() + proto::batch_field::kCrc);
  const std::uint64_t end = position + size_bytes;
  std::uint32_t crc = 0;
  for (std::uint64_t at = position + proto::batch_field::kAttributes; at < end;) {
    const Result<Bytes> bytes = bytes_at(file, at, 1);
    if (!bytes) return bytes.error();
    if (bytes->empty()) return false;
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes->size(), end - at));
    crc = proto::crc32c_extend(crc, bytes->first(count));
    at += count;
  }
  return crc == stored;
}

Result<Bytes> BatchScan::bytes_at(const File& file, std::uint64_t position, std::size_t at_least) {
  const bool is_buffered = position >= buffered_from_ && position + at_least <= buffered_from_ + buffered_;
  if (!is_buffered) {
    const Result<std::size_t> got = file.read_at(position, buffer_);
    if (!got) return got.error();
    buffered_from_ = position;
    buffered_ = *got;
  }
  return Bytes(buffer_).first(buffered_).subspan(static_cast<std::size_t>(position - buffered_from_));
}

}  // namespace tidelog::storage
