#pragma once

#include "proto/base/types.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidelog::proto {

// The zigzag varints inside record batches. The lengths of the message codec are plain (not zigzag) varints: never mix the two.

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::int64_t unzigzag(std::uint64_t value) { return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1)); }

/// Bytes that `put_varint` writes for `value`: 1 to 10.
constexpr std::size_t varint_size(std::int64_t value) { return static_cast<std::size_t>(std::bit_width(zigzag(value) | 1) + 6) / 7; }

/// Writes `value` and returns the byte behind it. Needs varint_size(value) writable bytes.
inline std::byte* put_varint(std::byte* to, std::int64_t value) {
  std::uint64_t left = zigzag(value);
  for (; left >= 0x80; left >>= 7) *to++ = static_cast<std::byte>(left | 0x80);
  *to++ = static_cast<std::byte>(left);
  return to;
}

namespace internal {

/// A varint of two and more bytes, at most `max_bytes`, whose value fits into `bits`.
inline bool take_long_varint(Bytes& from, int max_bytes, int bits, std::uint64_t& out) {
  std::uint64_t value = 0;
  const std::size_t limit = from.size() < static_cast<std::size_t>(max_bytes) ? from.size() : static_cast<std::size_t>(max_bytes);
  for (std::size_t i = 0; i < limit; ++i) {
    const auto part = static_cast<std::uint64_t>(from[i]);
    const int shift = static_cast<int>(7 * i);
    if (shift + 7 > bits && (part & 0x7f) >> (bits - shift) != 0) return false;
    value |= (part & 0x7f) << shift;
    if (part >= 0x80) continue;
    from = from.subspan(i + 1);
    out = value;
    return true;
  }
  return false;
}

}  // namespace internal

/// Takes a 32-bit varint from the front. False, with `from` untouched, if it is cut, longer than 5 bytes or does not fit: readers that
/// drop the surplus bits and readers that keep them would disagree about it.
inline bool take_varint(Bytes& from, std::int32_t& out) {
  std::uint64_t raw;
  if (!from.empty() && static_cast<std::uint8_t>(from[0]) < 0x80) {
    raw = static_cast<std::uint64_t>(from[0]);
    from = from.subspan(1);
  } else if (!internal::take_long_varint(from, 5, 32, raw)) {
    return false;
  }
  out = static_cast<std::int32_t>(unzigzag(raw));
  return true;
}

/// The same for 64 bits and at most 10 bytes.
inline bool take_varlong(Bytes& from, std::int64_t& out) {
  std::uint64_t raw;
  if (!from.empty() && static_cast<std::uint8_t>(from[0]) < 0x80) {
    raw = static_cast<std::uint64_t>(from[0]);
    from = from.subspan(1);
  } else if (!internal::take_long_varint(from, 10, 64, raw)) {
    return false;
  }
  out = unzigzag(raw);
  return true;
}

}  // namespace tidelog::proto
