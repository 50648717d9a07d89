#include "storage/compaction/batch_source.h"

#include "storage/log/batch_header.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// No request is as large, so no batch can be: a length above it is damage, and takes no memory.
constexpr std::uint32_t kLargestBatch = 1U << 30;
constexpr std::size_t kSmallestBuffer = 4096;

}  // namespace

BatchSource::BatchSource(std::size_t buffer_bytes) : buffer_bytes_(std::max(buffer_bytes, kSmallestBuffer)) {}

void BatchSource::open(std::unique_ptr<File> file, std::uint64_t size_bytes, Offset base) {
  file_ = std::move(file);
  size_bytes_ = size_bytes;
  position_ = next_ = 0;
  expected_ = current_ = base;
  epoch_ = LeaderEpoch{-1};
  buffered_from_ = 0;
  buffered_ = 0;
}

void BatchSource::rewind() {
  next_ = position_;
  expected_ = current_;
}

Result<std::optional<proto::BatchView>> BatchSource::next() {
  if (next_ >= size_bytes_) return std::optional<proto::BatchView>{};
  const Result<Bytes> front = bytes_at(next_, proto::kBatchHeaderBytes);
  if (!front) return front.error();
  const Result<BatchHeader> header = parse_batch_header(*front);
  if (!header || header->size_bytes > kLargestBatch || header->size_bytes > size_bytes_ - next_) return Errc::corrupt;
  if (header->base_offset != expected_ || header->leader_epoch < epoch_) return Errc::corrupt;
  const Result<Bytes> bytes = bytes_at(next_, header->size_bytes);
  if (!bytes) return bytes.error();
  const Result<proto::BatchView> batch = proto::BatchView::parse(*bytes);
  if (!batch || !batch->crc_ok() || !batch->is_consistent()) return Errc::corrupt;
  position_ = next_;
  next_ += header->size_bytes;
  current_ = expected_;
  expected_ = header->next_offset();
  epoch_ = header->leader_epoch;
  return std::optional(*batch);
}

/// Exactly `count` bytes. A batch that the buffer ends in is read again as a whole.
Result<Bytes> BatchSource::bytes_at(std::uint64_t position, std::size_t count) {
  const bool is_buffered = position >= buffered_from_ && position + count <= buffered_from_ + buffered_;
  if (!is_buffered) {
    const std::uint64_t wanted = std::min<std::uint64_t>(std::max(buffer_bytes_, count), size_bytes_ - position);
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    // What one huge batch took is not kept for the small ones after it.
    if (wanted <= buffer_bytes_ && buffer_.size() > 2 * buffer_bytes_) buffer_ = std::vector<std::byte>(buffer_bytes_);
    const Result<std::size_t> got = file_->read_at(position, MutableBytes(buffer_).first(wanted));
    if (!got) return got.error();
    read_bytes_ += *got;
    buffered_from_ = position;
    buffered_ = *got;
  }
  const Bytes bytes = Bytes(buffer_).first(buffered_).subspan(static_cast<std::size_t>(position - buffered_from_));
  return bytes.size() < count ? Result<Bytes>(Errc::corrupt) : bytes.first(count);
}

}  // namespace tidelog::storage
