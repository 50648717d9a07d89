#pragma once

#include "bench/common/die.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"

#include <cstdint>
#include <vector>

namespace tidelog::bench {

/// A whole frame of one request, length first.
template <class Request>
std::vector<std::byte> framed(const Request& request, std::int16_t version) {
  proto::Output out;
  const std::size_t start =
      proto::begin_request(out, {.api_key = Request::kKey, .api_version = version, .correlation_id = 1, .client_id = "bench"});
  proto::encode(request, version, out);
  proto::end_request(out, start);
  const Bytes bytes = out.bytes();
  return {bytes.begin(), bytes.end()};
}

/// Reads the payload of an answer; strings in it are views of the payload. What cannot be read ends the program.
template <class Response>
Response read_answer(Bytes payload, std::int16_t version) {
  Response response;
  const auto frame = proto::decode_response(payload, Response::kKey, version);
  if (!frame || !proto::decode(frame->body, version, response)) die("an answer cannot be read");
  return response;
}

}  // namespace tidelog::bench
