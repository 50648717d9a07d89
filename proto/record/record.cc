#include "proto/record/record.h"

#include "proto/record/varint.h"

namespace tidelog::proto {
namespace {

/// A piece behind its length; null for a negative one. False if it would reach past `from`.
bool take_sized(Bytes& from, std::int32_t& length, Bytes& out) {
  if (!take_varint(from, length)) return false;
  if (length < 0) {
    out = {};
    return true;
  }
  const auto size = static_cast<std::size_t>(length);
  if (size > from.size()) return false;
  out = from.first(size);
  from = from.subspan(size);
  return true;
}

bool take_header(Bytes& from, RecordHeader& out) {
  std::int32_t length = 0;
  Bytes header_name;
  if (!take_sized(from, length, header_name) || length < 0) return false;
  out.name = {reinterpret_cast<const char*>(header_name.data()), header_name.size()};
  return take_sized(from, length, out.value);
}

bool take_headers(Bytes& from, RecordHeaders& out) {
  std::int32_t count = 0;
  if (!take_varint(from, count) || count < 0) return false;
  const Bytes all = from;
  RecordHeader header;
  for (std::int32_t i = 0; i < count; ++i) {
    if (!take_header(from, header)) return false;
  }
  out = RecordHeaders(all.first(all.size() - from.size()), count);
  return true;
}

}  // namespace

void RecordHeaders::Iterator::load() {
  // The bytes were checked when the record was parsed; a header that is not there can only end the iteration.
  if (left_ > 0 && !take_header(rest_, current_)) left_ = 0;
}

std::string_view describe(RecordFault fault) {
  switch (fault) {
    case RecordFault::none: return "it is sound";
    case RecordFault::length: return "its length does not fit the batch";
    case RecordFault::attributes: return "it is empty";
    case RecordFault::timestamp: return "its timestamp delta is not a number of at most 64 bits";
    case RecordFault::offset: return "its offset delta is not a number of at most 32 bits";
    case RecordFault::key: return "its key does not fit the record";
    case RecordFault::value: return "its value does not fit the record";
    case RecordFault::headers: return "its headers do not fit the record or one has no name";
    case RecordFault::slack: return "bytes are left over behind its headers";
  }
  return "it is not a record";
}

RecordFault parse_record(Bytes& rest, RawRecord& out) {
  std::int32_t length = 0;
  if (!take_varint(rest, length) || length < 0 || static_cast<std::size_t>(length) > rest.size()) return RecordFault::length;
  Bytes body = rest.first(static_cast<std::size_t>(length));
  rest = rest.subspan(static_cast<std::size_t>(length));
  if (body.empty()) return RecordFault::attributes;
  body = body.subspan(1);  // no bit of a record's attributes means anything
  if (!take_varlong(body, out.timestamp_delta)) return RecordFault::timestamp;
  if (!take_varint(body, out.offset_delta)) return RecordFault::offset;
  if (!take_sized(body, out.key_length, out.key)) return RecordFault::key;
  if (!take_sized(body, out.value_length, out.value)) return RecordFault::value;
  if (!take_headers(body, out.headers)) return RecordFault::headers;
  return body.empty() ? RecordFault::none : RecordFault::slack;
}

}  // namespace tidelog::proto
