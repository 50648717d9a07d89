#pragma once

#include "proto/base/endian.h"
#include "proto/base/types.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tidelog::bench {

/// Appends the protocol's primitive types. The load generator does not use Tidelog's own codec: a mistake there must not hide
/// behind the same mistake here, and it must not change what is measured.
class Writer {
 public:
  template <std::integral T>
  void put(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store_be(bytes_.data() + bytes_.size() - sizeof value, value);
  }
  void append(Bytes more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }
  /// Unsigned LEB128, as compact lengths use it.
  void put_uvarint(std::uint64_t value);
  /// Zigzag, as record fields use it.
  void put_varint(std::int64_t value) { put_uvarint(static_cast<std::uint64_t>((value << 1) ^ (value >> 63))); }
  void put_string(std::string_view text);
  void put_compact_string(std::string_view text);
  /// Overwrites what stands at `at`.
  template <std::integral T>
  void patch(std::size_t at, T value) {
    store_be(bytes_.data() + at, value);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads the protocol's primitive types. Reading past the end gives zeros and `ok()` false from then on, so a caller checks once.
class Reader {
 public:
  explicit Reader(Bytes bytes) : left_(bytes) {}

  template <std::integral T>
  T take() {
    const Bytes bytes = take_bytes(sizeof(T));
    return ok_ ? load_be<T>(bytes.data()) : T{};
  }
  Bytes take_bytes(std::size_t count);
  std::uint64_t take_uvarint();
  std::string_view take_string();
  std::string_view take_compact_string();
  /// Skips a section of tagged fields.
  void skip_tags();
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] Bytes left() const { return left_; }

 private:
  Bytes left_;
  bool ok_ = true;
};

}  // namespace tidelog::bench
