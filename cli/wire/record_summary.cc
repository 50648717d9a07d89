#include "cli/wire/record_summary.h"

#include "proto/record/batch_cursor.h"

namespace tidelog::cli {
namespace {

BatchSummary summary_of(const proto::BatchView& batch) {
  return {.base_offset = batch.base_offset().value,
          .last_offset = batch.last_offset().value,
          .count = batch.record_count(),
          .leader_epoch = batch.leader_epoch().value,
          .producer_id = batch.producer_id().value,
          .producer_epoch = batch.producer_epoch(),
          .base_sequence = batch.base_sequence(),
          .base_timestamp_ms = batch.base_timestamp().value,
          .max_timestamp_ms = batch.max_timestamp().value,
          .size_bytes = batch.size_bytes(),
          .codec = proto::is_known(batch.codec()) ? proto::name(batch.codec()) : "unknown",
          .is_crc_good = batch.crc_ok(),
          .is_log_append_time = batch.timestamp_type() == proto::TimestampType::log_append_time,
          .is_transactional = batch.is_transactional(),
          .is_control = batch.is_control()};
}

std::string why_not(Errc error, Bytes rest) {
  if (error == Errc::corrupt) return "the length of a batch is impossible";
  const auto magic = static_cast<int>(rest[proto::batch_field::kMagic]);
  return "format " + std::to_string(magic) + ", and only record batches (format 2) are read";
}

}  // namespace

RecordsRest summarise_records(Bytes records, const std::function<void(const BatchSummary&)>& each) {
  proto::BatchCursor cursor(records);
  while (true) {
    const auto batch = cursor.next();
    const std::size_t left = cursor.rest().size();
    if (!batch) return {.size_bytes = left, .what = why_not(batch.error(), cursor.rest())};
    if (!*batch) return {.size_bytes = left, .what = left == 0 ? "" : "a batch that is cut"};
    each(summary_of(**batch));
  }
}

}  // namespace tidelog::cli
