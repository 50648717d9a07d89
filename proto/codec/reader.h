#pragma once

#include "proto/base/endian.h"
#include "proto/base/types.h"

#include <cstdint>

namespace tidelog::proto {

/// Walks over received bytes. After the first thing that does not fit, `ok` is false, nothing more is read, and every value is zero.
struct Reader {
  const std::byte* at;
  const std::byte* end;
  bool ok = true;
  std::uint32_t elements_left = UINT32_MAX;  ///< Of arrays, and tags: more are a failure.

  explicit Reader(Bytes bytes) : at(bytes.data()), end(bytes.data() + bytes.size()) {}
  Reader(const std::byte* from, const std::byte* to) : at(from), end(to) {}

  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end - at); }
  bool fail() {
    ok = false;
    at = end;
    return false;
  }
  template <std::integral T>
  T take() {
    if (left() < sizeof(T)) [[unlikely]]
      return fail(), T{};
    const T value = load_be<T>(at);
    at += sizeof(T);
    return value;
  }
  const std::byte* take_bytes(std::size_t size) {
    if (left() < size) [[unlikely]]
      return fail(), nullptr;
    const std::byte* from = at;
    at += size;
    return from;
  }
  /// Counts elements before they are looked at.
  bool take_elements(std::uint32_t count) {
    if (count > elements_left) [[unlikely]]
      return elements_left = 0, fail();
    elements_left -= count;
    return true;
  }
  std::uint32_t take_uvarint() {
    if (at != end && static_cast<std::uint32_t>(*at) < 0x80) [[likely]]
      return static_cast<std::uint32_t>(*at++);
    return take_long_uvarint();
  }
  std::uint32_t take_long_uvarint() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at == end) [[unlikely]]
        break;
      const auto byte = static_cast<std::uint32_t>(*at++);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
};

}  // namespace tidelog::proto
