#pragma once

#include "proto/base/types.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace tidelog::proto {

/// Growable bytes whose new room is not zeroed first, since codecs and builders overwrite it at once.
/// Life: pointers into it last until the next call that may grow it. `clear` keeps the memory, so a reused buffer stops allocating.
class ByteBuffer {
 public:
  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Bytes bytes() const { return {data_.get(), size_}; }

  void clear() { size_ = 0; }

  /// Drops the bytes from `size` on. Needs size <= size().
  void truncate(std::size_t size) { size_ = size; }

  /// Adds `count` bytes of unspecified content and returns the first of them.
  std::byte* extend(std::size_t count) {
    reserve(size_ + count);
    std::byte* const added = data_.get() + size_;
    size_ += count;
    return added;
  }

  void append(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }

  /// Room for `capacity` bytes in all; grows by at least half so that appending stays cheap.
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(std::max(capacity, capacity_ + capacity_ / 2));
  }

  /// Gives the memory back.
  void release() {
    data_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t capacity) {
    auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (size_ > 0) std::memcpy(grown.get(), data_.get(), size_);
    data_ = std::move(grown);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace tidelog::proto
