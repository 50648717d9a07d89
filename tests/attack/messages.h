#pragma once

#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "tests/attack/frames.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidelog::attack {

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }
inline std::string as_string(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// A whole frame of one request, length first.
template <class Request>
std::string framed(const Request& request, std::int16_t version, std::int32_t correlation = kAttack) {
  proto::Output out;
  const std::size_t start =
      proto::begin_request(out, {.api_key = Request::kKey, .api_version = version, .correlation_id = correlation, .client_id = "attacker"});
  proto::encode(request, version, out);
  proto::end_request(out, start);
  return as_string(out.bytes());
}

/// Reads the payload of an answer; false if it cannot be read. Strings in `into` are views of it.
template <class Response>
bool read_answer(std::string_view payload, std::int16_t version, Response& into) {
  const auto frame = proto::decode_response(as_bytes(payload), Response::kKey, version);
  return frame && proto::decode(frame->body, version, into);
}

}  // namespace tidelog::attack
