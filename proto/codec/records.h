#pragma once

#include "proto/base/types.h"

namespace tidelog::proto {

/// A `records` field: bytes in memory, or, when sending, bytes that stay in a file and are put there by whoever sends the output.
struct Records {
  Bytes bytes{};
  std::uint64_t external_bytes = 0;  ///< Behind `bytes`; the output notes a gap of this size.
  std::uint32_t external_token = 0;  ///< Says to the sender which file slice belongs there.
  [[nodiscard]] bool is_null() const { return bytes.data() == nullptr && external_bytes == 0; }
};

/// A string or bytes field is null if it points nowhere; an empty one points somewhere.
inline bool is_null(std::string_view text) { return text.data() == nullptr; }
inline bool is_null(Bytes bytes) { return bytes.data() == nullptr; }

/// A struct field that may be null.
template <class T>
struct Nullable {
  bool present = false;
  alignas(8) T value{};
};

}  // namespace tidelog::proto
