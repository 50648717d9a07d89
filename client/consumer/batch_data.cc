#include "client/consumer/batch_data.h"

#include "proto/record/compression.h"

namespace tidelog {
namespace core {
namespace {

bytes_view to_view(Bytes bytes) {
  return bytes.data() == nullptr ? bytes_view() : bytes_view(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

void BatchData::add_record(const proto::RecordView& record, std::int32_t partition) {
  size_bytes_ += record.key.size() + record.value.size();
  records_.emplace_back(*topic_, partition, record.offset.value, record.timestamp.value)
      .set_content(to_view(record.key), to_view(record.value));
  if (record.headers.empty()) return;
  const std::size_t first = headers_.size();
  for (const proto::RecordHeader& header : record.headers) headers_.emplace_back(header.name, to_view(header.value));
  header_ranges_.push_back({.record = records_.size() - 1, .first = first, .count = headers_.size() - first});
}

void BatchData::drop_records_from(std::size_t first) {
  records_.resize(first);
  std::erase_if(header_ranges_, [first](const HeaderRange& range) { return range.record >= first; });
}

Result<void> BatchData::add(const proto::BatchView& batch, std::int32_t partition, std::int64_t from, std::int64_t until) {
  if (batch.is_control()) return {};
  auto reader = std::make_unique<proto::RecordReader>();
  const proto::DecompressLimit limit{.max_bytes = proto::decompressed_limit(batch.size_bytes())};
  if (const Result<void> opened = reader->open(batch, limit); !opened) return opened.error();
  const std::size_t before = records_.size();
  proto::RecordView record;
  while (true) {
    const Result<bool> more = reader->next(record);
    if (!more) {
      drop_records_from(before);  // All of a batch or none of it.
      return more.error();
    }
    if (!*more) break;
    if (record.offset.value >= from && record.offset.value < until) add_record(record, partition);
  }
  if (batch.codec() != proto::Codec::none) readers_.push_back(std::move(reader));
  return {};
}

void BatchData::finish() {
  for (const HeaderRange& range : header_ranges_) {
    records_[range.record].set_headers(std::span<const header_view>(headers_).subspan(range.first, range.count));
  }
}

}  // namespace core

record_batch::record_batch() = default;
record_batch::record_batch(std::unique_ptr<core::BatchData> data) : data_(std::move(data)) {}
record_batch::record_batch(record_batch&&) noexcept = default;
record_batch& record_batch::operator=(record_batch&&) noexcept = default;
record_batch::~record_batch() = default;

const record_view* record_batch::begin() const { return data_ ? data_->records().data() : nullptr; }
const record_view* record_batch::end() const { return data_ ? data_->records().data() + data_->records().size() : nullptr; }

}  // namespace tidelog
