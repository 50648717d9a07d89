#include "proto/record/builder.h"

#include "proto/base/check.h"
#include "proto/record/crc32c.h"
#include "proto/record/varint.h"

#include <limits>

namespace tidelog::proto {
namespace {

constexpr std::size_t kMaxBatchBytes = std::numeric_limits<std::int32_t>::max();

std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::size_t sized_bytes(Bytes bytes) {
  return bytes.data() == nullptr ? varint_size(-1) : varint_size(static_cast<std::int64_t>(bytes.size())) + bytes.size();
}

std::byte* put_sized(std::byte* to, Bytes bytes) {
  if (bytes.data() == nullptr) return put_varint(to, -1);
  to = put_varint(to, static_cast<std::int64_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

/// A header's name is never null, not even a default string_view.
Bytes name_bytes(const RecordHeader& header) {
  return std::as_bytes(header.name.data() == nullptr ? std::span<const char>("", 0) : std::span(header.name));
}

std::byte* put_headers(std::byte* to, std::span<const RecordHeader> headers) {
  to = put_varint(to, static_cast<std::int64_t>(headers.size()));
  for (const RecordHeader& header : headers) to = put_sized(put_sized(to, name_bytes(header)), header.value);
  return to;
}

std::int16_t attributes_of(const BatchFields& fields) {
  auto bits = static_cast<std::int16_t>(fields.codec);
  if (fields.log_append_time) bits |= kLogAppendTimeBit;
  if (fields.is_transactional) bits |= kTransactionalBit;
  if (fields.is_control) bits |= kControlBit;
  if (fields.has_delete_horizon) bits |= kDeleteHorizonBit;
  return bits;
}

}  // namespace

BatchBuilder::Shape BatchBuilder::shape_of(std::int32_t offset_delta, const NewRecord& record) const {
  const std::int64_t delta = wrapping_difference(record.timestamp.value, base_timestamp_.value_or(record.timestamp).value);
  std::size_t bytes = 1 + varint_size(delta) + varint_size(offset_delta) + sized_bytes(record.key) + sized_bytes(record.value);
  bytes += varint_size(static_cast<std::int64_t>(record.headers.size()));
  for (const RecordHeader& header : record.headers) bytes += sized_bytes(name_bytes(header)) + sized_bytes(header.value);
  return {.timestamp_delta = delta, .body_bytes = bytes};
}

std::size_t BatchBuilder::size_with(const NewRecord& record) const {
  const std::size_t body = shape_of(next_offset_delta_, record).body_bytes;
  return plain_.size() + varint_size(static_cast<std::int64_t>(body)) + body;
}

void BatchBuilder::append_at(std::int32_t offset_delta, const NewRecord& record) {
  const Shape shape = shape_of(offset_delta, record);
  const std::size_t size = varint_size(static_cast<std::int64_t>(shape.body_bytes)) + shape.body_bytes;
  CHECK(plain_.size() + size <= kMaxBatchBytes);
  std::byte* at = plain_.extend(size);
  at = put_varint(at, static_cast<std::int64_t>(shape.body_bytes));
  *at++ = std::byte{0};
  at = put_varint(at, shape.timestamp_delta);
  at = put_varint(at, offset_delta);
  at = put_sized(at, record.key);
  at = put_sized(at, record.value);
  at = put_headers(at, record.headers);
  DCHECK(at == plain_.data() + plain_.size());
  if (!base_timestamp_) base_timestamp_ = record.timestamp;
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
  ++record_count_;
  next_offset_delta_ = offset_delta + 1;
}

void BatchBuilder::set_base_timestamp(TimestampMs base) {
  DCHECK(empty());
  base_timestamp_ = base;
}

void BatchBuilder::clear() {
  plain_.clear();
  plain_.extend(kBatchHeaderBytes);
  base_timestamp_.reset();
  max_timestamp_ = {-1};
  record_count_ = 0;
  next_offset_delta_ = 0;
}

Bytes BatchBuilder::build(const BatchFields& fields) { return build_mutable(fields); }

MutableBytes BatchBuilder::build_mutable(const BatchFields& fields) {
  ByteBuffer* built = &plain_;
  if (fields.codec != Codec::none) {
    built = &compressed_;
    compressed_.clear();
    compressed_.extend(kBatchHeaderBytes);
    compress(fields.codec, plain_.bytes().subspan(kBatchHeaderBytes), compressed_, fields.level);
    CHECK(compressed_.size() <= kMaxBatchBytes);
  }
  const MutableBytes batch{built->data(), built->size()};
  write_header(batch, fields);
  return batch;
}

void BatchBuilder::write_header(MutableBytes batch, const BatchFields& fields) const {
  using namespace batch_field;
  const auto put = [batch](std::size_t at, auto value) { store_be(batch.data() + at, value); };
  BatchView::stamp(batch, fields.base_offset, fields.leader_epoch);
  put(kBatchLength, static_cast<std::int32_t>(batch.size() - kBatchOverheadBytes));
  put(kMagic, kBatchMagic);
  put(kAttributes, attributes_of(fields));
  put(kLastOffsetDelta, fields.last_offset_delta.value_or(next_offset_delta_ - 1));
  put(kBaseTimestamp, base_timestamp_.value_or(TimestampMs{-1}).value);
  put(kMaxTimestamp, fields.log_append_time.value_or(fields.max_timestamp.value_or(max_timestamp_)).value);
  put(kProducerId, fields.producer_id.value);
  put(kProducerEpoch, fields.producer_epoch);
  put(kBaseSequence, fields.base_sequence);
  put(kRecordCount, record_count_);
  put(kCrc, crc32c(batch.subspan(kAttributes)));
}

}  // namespace tidelog::proto
