#pragma once

#include "cli/wire/frame_decoder.h"
#include "cli/wire/text_out.h"
#include "tests/unit/proto/codec_vectors.h"

#include <string>
#include <vector>

namespace tidelog::cli::test {

using proto::test::Json;

inline TextOut to_string(std::string& into) {
  return TextOut([&into](std::string_view piece) {
    into += piece;
    return true;
  });
}

/// Every line of JSON that was printed, parsed: a line that is none fails the test by an exception.
inline std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(Json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

/// The frame of a recorded message, without its length.
inline std::vector<std::byte> frame_of(const proto::test::Vector& vector) {
  std::vector<std::byte> frame = vector.header;
  frame.insert(frame.end(), vector.body.begin(), vector.body.end());
  return frame;
}

inline CutFrame whole(Bytes frame) { return {.offset = 0, .size_bytes = frame.size(), .kept = frame}; }

/// What stands before a frame in a stream.
inline std::vector<std::byte> with_length(Bytes frame) {
  std::vector<std::byte> bytes(4);
  store_be(bytes.data(), static_cast<std::uint32_t>(frame.size()));
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  return bytes;
}

}  // namespace tidelog::cli::test
