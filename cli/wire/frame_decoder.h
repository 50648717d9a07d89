#pragma once

#include "cli/wire/frame_printer.h"

namespace tidelog::cli {

/// A frame as it was cut out of its stream.
struct CutFrame {
  std::uint64_t offset = 0;      ///< Of its length in the stream.
  std::uint64_t size_bytes = 0;  ///< As the length says.
  Bytes kept;                    ///< Its bytes behind the length; fewer if it was too long to keep or the stream ended.
};

/// What a request leaves behind for the response to it.
struct Asked {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::int64_t> time_ns;
};

enum class Decoded : std::uint8_t { whole, unknown, failed };

/// What came of a frame, and of a request what its response will need.
struct Printed {
  Decoded outcome = Decoded::whole;
  std::optional<Asked> asked;
};

Printed print_request(const CutFrame& frame, const FrameOrigin& origin, FramePrinter& printer);
/// Without `asked` only the correlation id can be read.
Printed print_response(const CutFrame& frame, const FrameOrigin& origin, const std::optional<Asked>& asked, FramePrinter& printer);

/// The correlation id of a response, if that much of it is there.
std::optional<std::int32_t> correlation_of_response(Bytes frame);

/// Whether bytes begin like a request: what connections of other protocols are told apart by, and where a stream that lost bytes is taken
/// up again.
bool looks_like_request(Bytes bytes);

/// The same of a frame without its length.
bool looks_like_request_head(Bytes frame, std::uint64_t frame_bytes);

/// No client or broker takes longer frames; a length beyond is the greeting of another protocol (TLS would be 369 million, HTTP 1.2
/// billion).
inline constexpr std::uint32_t kLongestFrameBytes = 1U << 28;

}  // namespace tidelog::cli
