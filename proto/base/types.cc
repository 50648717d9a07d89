#include "proto/base/types.h"

namespace tidelog {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTextSize = 22;

}  // namespace

std::string Uuid::to_string() const {
  std::string out;
  out.reserve(kTextSize);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const std::byte b : bytes) {
    pending = (pending << 8) | static_cast<std::uint32_t>(b);
    for (bits += 8; bits >= 6; bits -= 6) out.push_back(kAlphabet[(pending >> (bits - 6)) & 63]);
  }
  out.push_back(kAlphabet[(pending << (6 - bits)) & 63]);
  return out;
}

Uuid Uuid::parse(std::string_view text) {
  Uuid id;
  if (text.size() != kTextSize) return {};
  std::uint32_t pending = 0;
  int bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return {};
    pending = (pending << 6) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8 || at == id.bytes.size()) continue;
    bits -= 8;
    id.bytes[at++] = static_cast<std::byte>(pending >> bits);
  }
  return id;
}

}  // namespace tidelog
