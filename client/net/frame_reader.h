#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"
#include "proto/record/byte_buffer.h"

#include <memory>
#include <optional>
#include <vector>

namespace tidelog::core {

/// A received frame without its length. Shared, so that records can be handed to the user without a copy.
using Frame = std::shared_ptr<const proto::ByteBuffer>;

/// Cuts a byte stream into frames. Every frame gets memory of its own, which grows with the bytes that came, never by what a length says.
/// Thread: one at a time.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  /// Where to receive into; never empty.
  MutableBytes room();
  /// Takes note of `count` bytes received into `room()`. `Errc::too_large` or `corrupt` for a length that cannot be: close the connection.
  Result<void> received(std::size_t count);
  /// The next whole frame, or null.
  Frame next();

 private:
  Result<void> cut_frames();
  void begin_long_frame(Bytes first, std::size_t frame_bytes);

  std::size_t max_frame_bytes_;
  proto::ByteBuffer input_;                        ///< Bytes received that are not in a frame yet.
  std::size_t input_used_ = 0;                     ///< Of `input_`, from the front.
  std::shared_ptr<proto::ByteBuffer> long_frame_;  ///< A frame that is larger than what came with its beginning.
  std::size_t long_frame_bytes_ = 0;               ///< Its size when whole.
  std::vector<Frame> frames_;
  std::size_t next_ = 0;
};

}  // namespace tidelog::core
