#include "storage/compaction/segment_writer.h"

#include "storage/config.h"

#include <array>

namespace tidelog::storage {

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::make(const LogPlace& place, Offset base, std::uint32_t index_interval_bytes) {
  Result<std::unique_ptr<File>> file = place.files->open(cleaned_file(place.directory, base), OpenMode::replace);
  if (!file) return file.error();
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(place, base, std::move(*file), index_interval_bytes));
}

SegmentWriter::SegmentWriter(LogPlace place, Offset base, std::unique_ptr<File> file, std::uint32_t index_interval_bytes)
    : place_(std::move(place)), base_(base), file_(std::move(file)), index_(std::make_unique<SegmentIndex>(base, index_interval_bytes)) {}

Result<void> SegmentWriter::index_new() {
  while (indexed_ < buffer_.size()) {
    const Result<BatchHeader> header = parse_batch_header(buffer_.bytes().subspan(indexed_));
    if (!header) return header.error();
    if (size_bytes_ + indexed_ + header->size_bytes > kMaxSegmentBytes) return Errc::too_large;
    index_->add(*header, size_bytes_ + indexed_);
    indexed_ += header->size_bytes;
  }
  return {};
}

Result<void> SegmentWriter::flush(std::size_t at_least) {
  if (const Result<void> indexed = index_new(); !indexed) return indexed;
  if (buffer_.empty() || buffer_.size() < at_least) return {};
  const std::array<Bytes, 1> parts{buffer_.bytes()};
  if (const Result<void> written = file_->write_at(size_bytes_, parts); !written) return written;
  size_bytes_ += buffer_.size();
  written_bytes_ += buffer_.size();
  buffer_.clear();
  indexed_ = 0;
  return {};
}

Result<CleanedSegment> SegmentWriter::finish(SwapName swap) {
  if (const Result<void> written = flush(0); !written) return written.error();
  if (const Result<void> synced = file_->sync(); !synced) return synced.error();
  return CleanedSegment{.swap = swap, .size_bytes = size_bytes_, .replaces = {}, .file = std::move(file_), .index = std::move(index_)};
}

void SegmentWriter::discard() {
  file_.reset();
  static_cast<void>(place_.files->remove(cleaned_file(place_.directory, base_)).has_value());  // Opening the log removes it, too.
}

}  // namespace tidelog::storage
