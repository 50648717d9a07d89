#include "proto/record/utf8.h"

#include <cstdint>

namespace tidelog::proto {
namespace {

/// Bytes of a sequence that begins with `lead`; 0 if none does.
std::size_t sequence_bytes(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;  // a continuation byte, or an overlong form of ASCII
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/// The second byte of three and four carries what the lead leaves open: overlong forms, surrogates, the end of Unicode.
bool is_second_byte(std::uint8_t lead, std::uint8_t second) {
  switch (lead) {
    case 0xe0: return second >= 0xa0 && second <= 0xbf;
    case 0xed: return second >= 0x80 && second <= 0x9f;
    case 0xf0: return second >= 0x90 && second <= 0xbf;
    case 0xf4: return second >= 0x80 && second <= 0x8f;
    default: return (second & 0xc0) == 0x80;
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t lead = byte(at);
    const std::size_t size = sequence_bytes(lead);
    if (size == 0 || size > text.size() - at) return false;
    if (size > 1 && !is_second_byte(lead, byte(at + 1))) return false;
    for (std::size_t i = 2; i < size; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}

}  // namespace tidelog::proto
