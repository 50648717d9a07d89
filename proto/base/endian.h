#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace tidelog {

/// Reads a big-endian integer. Needs sizeof(T) readable bytes at `from`; any alignment.
template <std::integral T>
T load_be(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) > 1) value = std::byteswap(value);
  return value;
}

/// Writes a big-endian integer. Needs sizeof(T) writable bytes at `to`; any alignment.
template <std::integral T>
void store_be(std::byte* to, T value) {
  if constexpr (sizeof(T) > 1) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

static_assert(std::endian::native == std::endian::little, "Tidelog runs on little-endian machines");

}  // namespace tidelog
