#include "storage/key_value/log_history.h"

#include "proto/base/endian.h"
#include "storage/log/batch_header.h"

#include <array>

namespace tidelog::storage {

Result<LogPoint> HistoryOfLog::point_before(Offset next) {
  if (next <= log_.log_start_offset() || next > log_.end_offset()) return Errc::not_found;
  const Result<Slice> slice = log_.read({.from = next - 1, .limit = log_.end_offset(), .max_bytes = 1});
  if (!slice) return slice.error();
  if (slice->empty()) return Errc::not_found;
  std::array<std::byte, proto::kBatchHeaderBytes> bytes{};
  const Result<std::size_t> read = slice->file->read_at(slice->position, bytes);
  if (!read) return read.error();
  if (*read != bytes.size()) return Errc::corrupt;
  const Result<BatchHeader> header = parse_batch_header(bytes);
  if (!header) return header.error();
  if (header->next_offset() != next) return Errc::not_found;
  return LogPoint{
      .next_offset = next, .epoch = header->leader_epoch, .batch_crc = load_be<std::uint32_t>(&bytes[proto::batch_field::kCrc])};
}

std::optional<std::string_view> why_it_does_not_fit(const AppliedMark& mark, LogHistory& log) {
  if (mark.log_id != log.log_id()) return "it was made from another log";
  const Result<LogPoint> there = log.point_before(mark.point.next_offset);
  if (!there) return "the log does not have the batch that was last applied to it";
  if (*there != mark.point) return "the log has another batch where it was last applied";
  return std::nullopt;
}

}  // namespace tidelog::storage
