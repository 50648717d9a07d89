#pragma once

#include <cstddef>
#include <cstdint>

namespace tidelog::proto {

/// What every Array is in memory, whatever its elements.
struct ArrayBase {
  const std::byte* data = nullptr;      ///< First element: encoded, or a T.
  const std::byte* data_end = nullptr;  ///< Of encoded elements.
  std::int32_t count = 0;               ///< -1: null.
  std::int16_t version = 0;             ///< In which the elements are encoded.
  bool is_encoded = false;
  bool is_flexible = false;

  [[nodiscard]] bool is_null() const { return count < 0; }
  [[nodiscard]] std::size_t size() const { return count < 0 ? 0 : static_cast<std::size_t>(count); }
  [[nodiscard]] bool empty() const { return count <= 0; }
};

}  // namespace tidelog::proto
