#pragma once

#include "proto/base/result.h"
#include "proto/codec/output.h"

namespace tidelog::proto {

struct RequestHeader {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::string_view client_id;  ///< Null: data() == nullptr.
};

struct RequestFrame {
  RequestHeader header;
  Bytes body;
};

struct ResponseFrame {
  std::int32_t correlation_id = 0;
  Bytes body;
};

/// Reads the header of a received request; its version follows from key and version. The body of a request nobody serves is empty.
/// `Errc::corrupt` if the header does not fit the frame.
Result<RequestFrame> decode_request(Bytes frame_without_length);
/// Reads the header of a received response to a request of this key and version.
Result<ResponseFrame> decode_response(Bytes frame_without_length, std::int16_t api_key, std::int16_t api_version);

/// Writes room for the length, and the header; returns where the frame begins. Write the body, then call `end_frame` with that.
std::size_t begin_response(Output& out, std::int16_t api_key, std::int16_t api_version, std::int32_t correlation_id);
std::size_t begin_request(Output& out, const RequestHeader& header);
/// Writes the length of the frame that began at `start`, gaps since then included. Needs it below 2 GiB.
void end_frame(Output& out, std::size_t start);
inline void end_response(Output& out, std::size_t start) { end_frame(out, start); }
inline void end_request(Output& out, std::size_t start) { end_frame(out, start); }

}  // namespace tidelog::proto
