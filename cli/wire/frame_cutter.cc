#include "cli/wire/frame_cutter.h"

#include <algorithm>

namespace tidelog::cli {

bool FrameCutter::feed(Bytes bytes, const Each& each) {
  while (!bytes.empty()) {
    if (length_bytes_ < kLengthBytes) {
      bytes = take_length(bytes);
      if (length_bytes_ < kLengthBytes) return true;
      if (size_ > kLongestFrameBytes) return false;
      if (size_ == 0) hand_out({}, each);
    } else {
      bytes = take_content(bytes, each);
    }
  }
  return true;
}

Bytes FrameCutter::take_length(Bytes bytes) {
  if (length_bytes_ == 0) begin_ = at_;
  while (!bytes.empty() && length_bytes_ < kLengthBytes) {
    size_ = size_ << 8 | static_cast<std::uint32_t>(bytes.front());
    ++length_bytes_;
    ++at_;
    bytes = bytes.subspan(1);
  }
  return bytes;
}

Bytes FrameCutter::take_content(Bytes bytes, const Each& each) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size_ - content_came_, bytes.size()));
  const Bytes content = bytes.first(count);
  at_ += count;
  // A frame that came in one piece is not copied.
  const bool is_whole_at_once = content_came_ == 0 && count == size_;
  content_came_ += count;
  if (is_whole_at_once) {
    hand_out(content, each);
    return bytes.subspan(count);
  }
  keep(content);
  if (content_came_ == size_) hand_out(buffer_.bytes(), each);
  return bytes.subspan(count);
}

void FrameCutter::keep(Bytes bytes) {
  // Once something was left out, what follows would stand at the wrong place.
  const bool is_gapless = buffer_.size() + bytes.size() == content_came_;
  if (!is_gapless) return;
  const std::size_t room = std::min(kept_.left, kMostOfFrame - buffer_.size());
  const Bytes taken = bytes.first(std::min(room, bytes.size()));
  buffer_.append(taken);
  kept_.left -= taken.size();
}

void FrameCutter::hand_out(Bytes content, const Each& each) {
  each({.offset = begin_, .size_bytes = size_, .kept = content});
  drop_buffer();
  length_bytes_ = 0;
  size_ = 0;
  content_came_ = 0;
}

bool FrameCutter::finish(const Each& each) {
  const bool has_length = length_bytes_ == 0 || length_bytes_ == kLengthBytes;
  if (length_bytes_ == kLengthBytes) hand_out(buffer_.bytes(), each);
  length_bytes_ = 0;
  size_ = 0;
  return has_length;
}

}  // namespace tidelog::cli
