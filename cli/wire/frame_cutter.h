#pragma once

#include "cli/wire/frame_decoder.h"
#include "proto/record/byte_buffer.h"

#include <functional>

namespace tidelog::cli {

/// Bytes that all streams together may keep of what is not whole yet.
struct KeptBytes {
  std::size_t left = std::size_t{128} << 20;
};

/// Cuts one direction of a connection into frames. Of a frame only so much is kept as came and as `kept` allows, never what its length
/// claims; the rest is counted, so that the next frame is found.
class FrameCutter {
 public:
  using Each = std::function<void(const CutFrame&)>;
  static constexpr std::size_t kMostOfFrame = std::size_t{64} << 20;

  explicit FrameCutter(KeptBytes& kept) : kept_(kept) {}
  ~FrameCutter() { drop_buffer(); }
  FrameCutter(const FrameCutter&) = delete;
  FrameCutter& operator=(const FrameCutter&) = delete;

  /// Hands out the frames that are whole now. Views last for the call. False if a length is none: the stream cannot be followed further.
  bool feed(Bytes bytes, const Each& each);
  /// The stream ends, or what follows is missing: the frame that has begun is handed out as far as it came. False if not even its length
  /// came whole.
  bool finish(const Each& each);
  /// `bytes` are missing; nothing may have begun.
  void skip(std::uint64_t bytes) { at_ += bytes; }

  [[nodiscard]] bool is_between_frames() const { return length_bytes_ == 0; }
  /// Of the next byte in the stream.
  [[nodiscard]] std::uint64_t at() const { return at_; }
  /// The length that is none, after `feed` said so.
  [[nodiscard]] std::int32_t bad_length() const { return static_cast<std::int32_t>(size_); }

 private:
  static constexpr std::size_t kLengthBytes = 4;

  Bytes take_length(Bytes bytes);
  Bytes take_content(Bytes bytes, const Each& each);
  void keep(Bytes bytes);
  void drop_buffer() {
    kept_.left += buffer_.size();
    buffer_.release();
  }
  void hand_out(Bytes content, const Each& each);

  KeptBytes& kept_;
  std::uint64_t at_ = 0;
  std::uint64_t begin_ = 0;       ///< Of the frame that has begun.
  std::size_t length_bytes_ = 0;  ///< Of its length, so many came.
  std::uint32_t size_ = 0;        ///< Its length, as far as it came.
  std::uint64_t content_came_ = 0;
  proto::ByteBuffer buffer_;  ///< What was kept of its content.
};

}  // namespace tidelog::cli
