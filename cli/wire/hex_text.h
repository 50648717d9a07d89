#pragma once

#include "proto/base/types.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// Bytes written as hex digits, piece by piece. White space, commas, colons and `0x` before a number separate and mean nothing.
class HexText {
 public:
  /// Appends the bytes that the text completes; false at a letter that is none of these.
  bool read(std::string_view text, std::vector<std::byte>& bytes);
  /// Whether a digit waits for its second.
  [[nodiscard]] bool is_half() const { return half_.has_value(); }
  /// Line of the next letter, from 1.
  [[nodiscard]] std::size_t line() const { return line_; }

 private:
  std::optional<unsigned> half_;
  std::size_t line_ = 1;
};

}  // namespace tidelog::cli
