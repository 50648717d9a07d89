#include "proto/codec/frame.h"

#include "proto/codec/api_table.h"
#include "proto/codec/reader.h"

namespace tidelog::proto {
namespace {

constexpr std::size_t kLengthBytes = 4;

/// Headers carry no tags that we know; each is skipped in place.
void skip_tags(Reader& in) {
  constexpr std::uint32_t kMostTags = 1000;
  const std::uint32_t count = in.take_uvarint();
  if (count > kMostTags) in.fail();
  for (std::uint32_t i = 0; i < count && in.ok; ++i) {
    in.take_uvarint();
    in.take_bytes(in.take_uvarint());
  }
}

}  // namespace

Result<RequestFrame> decode_request(Bytes frame_without_length) {
  Reader in(frame_without_length);
  RequestFrame frame;
  frame.header.api_key = in.take<std::int16_t>();
  frame.header.api_version = in.take<std::int16_t>();
  frame.header.correlation_id = in.take<std::int32_t>();
  // The client id keeps its two-byte length in every header version.
  const auto length = in.take<std::int16_t>();
  if (length >= 0) {
    const std::byte* from = in.take_bytes(static_cast<std::size_t>(length));
    frame.header.client_id = {reinterpret_cast<const char*>(from), static_cast<std::size_t>(length)};
  }
  const ApiInfo* api = find_api(frame.header.api_key);
  const bool is_known = api != nullptr && frame.header.api_version >= 0 && frame.header.api_version <= api->max_version;
  if (is_known && api->request_header_version(frame.header.api_version) == 2) skip_tags(in);
  if (!in.ok) return Errc::corrupt;
  frame.body = {in.at, is_known ? in.left() : 0};
  return frame;
}

Result<ResponseFrame> decode_response(Bytes frame_without_length, std::int16_t api_key, std::int16_t api_version) {
  Reader in(frame_without_length);
  ResponseFrame frame;
  frame.correlation_id = in.take<std::int32_t>();
  const ApiInfo* api = find_api(api_key);
  if (api == nullptr) return Errc::unsupported;
  if (api->response_header_version(api_version) == 1) skip_tags(in);
  if (!in.ok) return Errc::corrupt;
  frame.body = {in.at, in.left()};
  return frame;
}

std::size_t begin_response(Output& out, std::int16_t api_key, std::int16_t api_version, std::int32_t correlation_id) {
  const std::size_t start = out.size();
  out.put(std::int32_t{0});
  out.put(correlation_id);
  const ApiInfo* api = find_api(api_key);
  if (api != nullptr && api->response_header_version(api_version) == 1) out.put_uvarint(0);
  return start;
}

std::size_t begin_request(Output& out, const RequestHeader& header) {
  const std::string_view client_id = header.client_id;
  const std::size_t start = out.size();
  out.put(std::int32_t{0});
  out.put(header.api_key);
  out.put(header.api_version);
  out.put(header.correlation_id);
  out.put(static_cast<std::int16_t>(client_id.data() == nullptr ? -1 : static_cast<std::int16_t>(client_id.size())));
  out.append({reinterpret_cast<const std::byte*>(client_id.data()), client_id.size()});
  const ApiInfo* api = find_api(header.api_key);
  if (api != nullptr && api->request_header_version(header.api_version) == 2) out.put_uvarint(0);
  return start;
}

void end_frame(Output& out, std::size_t start) {
  std::uint64_t size = out.size() - start - kLengthBytes;
  for (const Output::Gap& gap : out.gaps()) {
    if (gap.at > start) size += gap.size_bytes;
  }
  out.patch(start, static_cast<std::int32_t>(size));
}

}  // namespace tidelog::proto
