#pragma once

#include "proto/base/endian.h"
#include "proto/base/types.h"

#include <bit>
#include <concepts>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace tidelog::proto {

/// Where messages are written: one growing piece of memory, never zeroed before it is written, and the places where bytes from elsewhere
/// belong (gaps), so that records can go from a file to a socket without passing through here.
class Output {
 public:
  struct Gap {
    std::size_t at;  ///< Index into `bytes()` before which the gap's bytes belong.
    std::uint64_t size_bytes;
    std::uint32_t token;
  };

  void append(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  }
  template <std::integral T>
  void put(T value) {
    store_be(grow(sizeof(T)), value);
  }
  /// Adds what `write` puts where it is told, and it returns where that ends: `at_most` bytes behind.
  template <class Write>
  void write(std::size_t at_most, Write write) {
    std::byte* const end = write(grow(at_most));
    size_ = static_cast<std::size_t>(end - data_.get());
  }
  /// LEB128.
  void put_uvarint(std::uint32_t value) {
    while (value >= 0x80) {
      put(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    put(static_cast<std::uint8_t>(value));
  }
  void add_gap(std::uint64_t size_bytes, std::uint32_t token) {
    gaps_.push_back({.at = size_, .size_bytes = size_bytes, .token = token});
    gap_bytes_ += size_bytes;
  }
  void patch(std::size_t at, std::int32_t value) { store_be(data_.get() + at, value); }

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Memory it holds.
  [[nodiscard]] std::size_t capacity() const { return capacity_ + gaps_.capacity() * sizeof(Gap); }
  [[nodiscard]] Bytes bytes() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const Gap> gaps() const { return gaps_; }
  [[nodiscard]] std::uint64_t total_bytes() const { return size_ + gap_bytes_; }
  /// Keeps its memory.
  void clear() {
    size_ = 0;
    gap_bytes_ = 0;
    gaps_.clear();
  }

 private:
  std::byte* grow(std::size_t bytes) {
    if (capacity_ - size_ < bytes) reserve(size_ + bytes);
    std::byte* at = data_.get() + size_;
    size_ += bytes;
    return at;
  }
  void reserve(std::size_t at_least);

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::vector<Gap> gaps_;
  std::uint64_t gap_bytes_ = 0;
};

}  // namespace tidelog::proto
