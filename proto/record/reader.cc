#include "proto/record/reader.h"

namespace tidelog::proto {
namespace {

/// What one huge batch made the reader allocate is not kept for the small ones after it.
constexpr std::size_t kMaxKeptBytes = std::size_t{4} << 20;

std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

Result<void> RecordReader::open(const BatchView& batch, DecompressLimit limit) {
  records_ = rest_ = {};
  count_ = left_ = 0;
  decompressed_.clear();
  if (decompressed_.capacity() > kMaxKeptBytes) decompressed_.release();
  if (batch.record_count() < 0) return Errc::corrupt;
  Bytes records = batch.payload();
  if (batch.codec() != Codec::none && batch.record_count() == 0) {
    records = {};  // compaction emptied it; a codec may have left its frame of nothing
  } else if (batch.codec() != Codec::none) {
    if (const Result<void> done = decompress(batch.codec(), records, decompressed_, limit); !done) return done.error();
    records = decompressed_.bytes();
  }
  records_ = rest_ = records;
  count_ = left_ = batch.record_count();
  base_offset_ = batch.base_offset();
  base_timestamp_ = batch.base_timestamp();
  max_timestamp_ = batch.max_timestamp();
  is_append_time_ = batch.timestamp_type() == TimestampType::log_append_time;
  return {};
}

void RecordReader::rewind() {
  rest_ = records_;
  left_ = count_;
}

Result<bool> RecordReader::next(RecordView& record) {
  if (left_ == 0) {
    if (!rest_.empty()) return Errc::corrupt;
    return false;
  }
  RawRecord raw;
  if (parse_record(rest_, raw) != RecordFault::none) {
    rest_ = {};
    left_ = 0;
    return Errc::corrupt;
  }
  --left_;
  record.offset = {wrapping_sum(base_offset_.value, raw.offset_delta)};
  record.timestamp = is_append_time_ ? max_timestamp_ : TimestampMs{wrapping_sum(base_timestamp_.value, raw.timestamp_delta)};
  record.key = raw.key;
  record.value = raw.value;
  record.headers = raw.headers;
  return true;
}

}  // namespace tidelog::proto
