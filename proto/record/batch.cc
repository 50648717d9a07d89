#include "proto/record/batch.h"

#include "proto/base/check.h"
#include "proto/record/crc32c.h"

#include <limits>

namespace tidelog::proto {
namespace {

void set_timestamp(MutableBytes batch, std::int16_t attributes, TimestampMs max) {
  DCHECK(batch.size() >= kBatchHeaderBytes);
  store_be(batch.data() + batch_field::kAttributes, attributes);
  store_be(batch.data() + batch_field::kMaxTimestamp, max.value);
  store_be(batch.data() + batch_field::kCrc, crc32c(batch.subspan(batch_field::kAttributes)));
}

}  // namespace

Result<BatchView> BatchView::parse(Bytes bytes) {
  if (bytes.size() <= batch_field::kMagic) return Errc::corrupt;
  // Magic first: the older formats have the same place for it but shorter headers.
  if (load_be<std::int8_t>(bytes.data() + batch_field::kMagic) != kBatchMagic) return Errc::unsupported;
  const auto length = load_be<std::int32_t>(bytes.data() + batch_field::kBatchLength);
  if (length < static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes)) return Errc::corrupt;
  const std::size_t size = kBatchOverheadBytes + static_cast<std::size_t>(length);
  if (size > bytes.size()) return Errc::corrupt;
  return BatchView(bytes.first(size));
}

bool BatchView::crc_ok() const { return crc() == crc32c(bytes_.subspan(batch_field::kAttributes)); }

bool BatchView::is_consistent() const {
  const std::int64_t base = base_offset().value;
  const std::int32_t last_delta = last_offset_delta();
  if (base < 0 || last_delta < 0 || record_count() < 0) return false;
  if (base > std::numeric_limits<std::int64_t>::max() - last_delta - 1) return false;
  return std::int64_t{record_count()} <= std::int64_t{last_delta} + 1;
}

std::int32_t BatchView::last_sequence() const {
  const std::int32_t base = base_sequence();
  if (base < 0) return -1;
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(last_offset_delta())) & 0x7fffffff);
}

void BatchView::stamp(MutableBytes batch, Offset base, LeaderEpoch epoch) {
  DCHECK(batch.size() >= kBatchHeaderBytes);
  store_be(batch.data() + batch_field::kBaseOffset, base.value);
  store_be(batch.data() + batch_field::kLeaderEpoch, epoch.value);
}

void BatchView::restamp_log_append_time(MutableBytes batch, TimestampMs now) {
  const auto attributes = load_be<std::int16_t>(batch.data() + batch_field::kAttributes);
  set_timestamp(batch, static_cast<std::int16_t>(attributes | kLogAppendTimeBit), now);
}

void BatchView::set_max_timestamp(MutableBytes batch, TimestampMs max) {
  const auto attributes = load_be<std::int16_t>(batch.data() + batch_field::kAttributes);
  set_timestamp(batch, static_cast<std::int16_t>(attributes & ~kLogAppendTimeBit), max);
}

}  // namespace tidelog::proto
