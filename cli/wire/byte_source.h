#pragma once

#include "proto/record/byte_buffer.h"

#include <cstdint>
#include <functional>

namespace tidelog::cli {

/// Bytes that come piece by piece from a file, a pipe or memory. Keeps what was asked for and not consumed, and at most one piece more.
class ByteSource {
 public:
  /// Fills the front of the room, returns how much; 0 at the end, and after an error that the reader remembers itself.
  using Read = std::function<std::size_t(MutableBytes room)>;
  explicit ByteSource(Read read) : read_(std::move(read)) {}

  /// Whether `count` bytes are there; reads until they are, or until the end.
  bool ensure(std::size_t count);
  /// All that is there, at least a byte but at the end.
  Bytes some() {
    ensure(1);
    return bytes();
  }
  /// What is there now. A view until the next call.
  [[nodiscard]] Bytes bytes() const { return buffer_.bytes().subspan(used_); }
  /// Needs that much to be there.
  void consume(std::size_t count) {
    used_ += count;
    at_ += count;
  }
  /// Passes over bytes without keeping them; false if there are fewer.
  bool skip(std::uint64_t count);
  /// Position of the next byte in the input.
  [[nodiscard]] std::uint64_t at() const { return at_; }

 private:
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  Read read_;
  proto::ByteBuffer buffer_;
  std::size_t used_ = 0;
  std::uint64_t at_ = 0;
  bool is_at_end_ = false;
};

}  // namespace tidelog::cli
