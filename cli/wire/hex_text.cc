#include "cli/wire/hex_text.h"

namespace tidelog::cli {
namespace {

std::optional<unsigned> digit_of(char letter) {
  if (letter >= '0' && letter <= '9') return static_cast<unsigned>(letter - '0');
  if (letter >= 'a' && letter <= 'f') return static_cast<unsigned>(letter - 'a' + 10);
  if (letter >= 'A' && letter <= 'F') return static_cast<unsigned>(letter - 'A' + 10);
  return std::nullopt;
}

constexpr std::string_view kSeparators = " \t\r\n,:";

}  // namespace

bool HexText::read(std::string_view text, std::vector<std::byte>& bytes) {
  for (const char letter : text) {
    const std::optional<unsigned> digit = digit_of(letter);
    if (digit && half_) {
      bytes.push_back(static_cast<std::byte>(*half_ << 4 | *digit));
      half_.reset();
    } else if (digit) {
      half_ = digit;
    } else if (letter == 'x' && half_ == 0U) {
      half_.reset();
    } else if (kSeparators.contains(letter) && !half_) {
      if (letter == '\n') ++line_;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace tidelog::cli
