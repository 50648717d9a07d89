#pragma once

#include "cli/wire/message_walk.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::cli {

class TextOut;

/// Who a frame comes from, and when. Empty where nobody can say: a bare stream of bytes has neither ends nor times.
struct FrameOrigin {
  std::string_view from;
  std::string_view to;
  std::optional<std::int64_t> time_ns;  ///< Since 1970.
};

/// What is known of a frame besides its body.
struct FrameHead {
  std::string_view type = "frame";  ///< request, response, frame.
  FrameOrigin origin;
  std::uint64_t offset = 0;      ///< Of the frame's length in its stream.
  std::uint64_t size_bytes = 0;  ///< As the length says.
  std::string_view api;          ///< Empty if nobody knows.
  std::optional<std::int16_t> api_key;
  std::optional<std::int16_t> api_version;
  std::optional<std::int32_t> correlation_id;
  std::optional<std::string_view> client_id;
  std::optional<std::int64_t> latency_ns;  ///< Of a response, behind its request.
};

/// Writes frames in one form. Calls come in this order: `begin_frame`; `begin_body` with the visits of a walk over the body, or
/// `opaque`, or neither; `unread` and `failure`, each perhaps; `end_frame`. `remark` stands between frames.
class FramePrinter : public MessageVisitor {
 public:
  virtual void begin_frame(const FrameHead& head) = 0;
  virtual void begin_body() = 0;
  /// A body that nothing here can read; the first bytes are shown.
  virtual void opaque(Bytes body) = 0;
  /// Bytes behind the message.
  virtual void unread(std::size_t count) = 0;
  /// What was begun in the body ends here. `failure.at` counts from the front of the frame, behind its length.
  virtual void failure(const WalkFailure& failure) = 0;
  virtual void end_frame() = 0;
  /// What is to be said about a stream.
  virtual void remark(const FrameOrigin& origin, std::string_view text) = 0;
};

/// A line of JSON for each frame.
std::unique_ptr<FramePrinter> make_json_printer(TextOut& out);
/// For people.
std::unique_ptr<FramePrinter> make_text_printer(TextOut& out);

}  // namespace tidelog::cli
