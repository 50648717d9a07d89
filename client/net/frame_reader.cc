#include "client/net/frame_reader.h"

#include "proto/base/endian.h"

#include <algorithm>

namespace tidelog::core {
namespace {

constexpr std::size_t kInputBytes = 64 * 1024;
constexpr std::size_t kLeastRoom = 16 * 1024;
constexpr std::size_t kLengthBytes = 4;

}  // namespace

MutableBytes FrameReader::room() {
  if (long_frame_) {
    // Doubling what is there copies little and lets a lying length cost no more than the bytes that were really sent.
    const std::size_t have = long_frame_->size();
    const std::size_t want = std::min(long_frame_bytes_, std::max(have * 2, kInputBytes));
    long_frame_->reserve(want);
    return {long_frame_->data() + have, std::min(long_frame_->capacity(), long_frame_bytes_) - have};
  }
  if (input_used_ > 0) {
    const Bytes rest = input_.bytes().subspan(input_used_);
    std::memmove(input_.data(), rest.data(), rest.size());
    input_.truncate(rest.size());
    input_used_ = 0;
  }
  input_.reserve(std::max(kInputBytes, input_.size() + kLeastRoom));
  return {input_.data() + input_.size(), input_.capacity() - input_.size()};
}

Result<void> FrameReader::received(std::size_t count) {
  if (!long_frame_) {
    input_.extend(count);
    return cut_frames();
  }
  long_frame_->extend(count);
  if (long_frame_->size() == long_frame_bytes_) frames_.push_back(std::move(long_frame_));
  return {};
}

Result<void> FrameReader::cut_frames() {
  while (true) {
    const Bytes rest = input_.bytes().subspan(input_used_);
    if (rest.size() < kLengthBytes) return {};
    const auto length = load_be<std::int32_t>(rest.data());
    if (length < 0) return Errc::corrupt;
    const auto frame_bytes = static_cast<std::size_t>(length);
    if (frame_bytes > max_frame_bytes_) return Errc::too_large;
    const Bytes content = rest.subspan(kLengthBytes);
    if (content.size() < frame_bytes) {
      begin_long_frame(content, frame_bytes);
      return {};
    }
    auto frame = std::make_shared<proto::ByteBuffer>();
    frame->append(content.first(frame_bytes));
    frames_.push_back(std::move(frame));
    input_used_ += kLengthBytes + frame_bytes;
  }
}

void FrameReader::begin_long_frame(Bytes first, std::size_t frame_bytes) {
  long_frame_ = std::make_shared<proto::ByteBuffer>();
  long_frame_bytes_ = frame_bytes;
  long_frame_->append(first);
  input_.clear();
  input_used_ = 0;
}

Frame FrameReader::next() {
  if (next_ == frames_.size()) {
    frames_.clear();
    next_ = 0;
    return nullptr;
  }
  return std::move(frames_[next_++]);
}

}  // namespace tidelog::core
