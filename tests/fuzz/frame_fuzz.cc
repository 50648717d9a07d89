#include "proto/codec/api_table.h"
#include "proto/codec/frame.h"

#include <cstdlib>

// Any bytes as a frame: as a request, and as the response to every request there is.
// Properties: header and body lie within the frame; a header written again reads the same.

namespace {

using namespace tidelog;
using namespace tidelog::proto;

void require(bool holds) {
  if (!holds) std::abort();
}

bool within(const void* data, std::size_t size, Bytes frame) {
  if (size == 0) return true;
  const auto* from = static_cast<const std::byte*>(data);
  return from >= frame.data() && from + size <= frame.data() + frame.size();
}

void as_request(Bytes frame) {
  const Result<RequestFrame> read = decode_request(frame);
  if (!read) return;
  const RequestHeader& header = read->header;
  require(within(header.client_id.data(), header.client_id.size(), frame));
  require(within(read->body.data(), read->body.size(), frame));
  Output out;
  const std::size_t start = begin_request(out, header);
  out.append(read->body);
  end_request(out, start);
  const Result<RequestFrame> again = decode_request(out.bytes().subspan(4));
  require(again.has_value());
  require(again->header.correlation_id == header.correlation_id && again->header.client_id == header.client_id);
  require(again->body.size() == read->body.size());
}

void as_response(Bytes frame) {
  for (const ApiInfo& api : served_apis()) {
    for (const std::int16_t version : {api.min_version, api.max_version}) {
      const Result<ResponseFrame> read = decode_response(frame, api.key, version);
      if (read) require(within(read->body.data(), read->body.size(), frame));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes frame = std::as_bytes(std::span(data, size));
  as_request(frame);
  as_response(frame);
  return 0;
}
