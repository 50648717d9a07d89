#include "cli/text/json.h"

#include "cli/text/utf8.h"

#include <array>
#include <cstdint>

namespace tidelog::cli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const char letter = text.front();
    const std::size_t length = utf8_sequence_bytes(text);
    if (letter == '"' || letter == '\\')
      (out += '\\') += letter;
    else if (letter == '\n')
      out += "\\n";
    else if (letter == '\t')
      out += "\\t";
    else if (letter == '\r')
      out += "\\r";
    else if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f)
      ((out += "\\u00") += kHexDigits[(letter >> 4) & 15]) += kHexDigits[letter & 15];
    else if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= group.size() ? kLetters[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

}  // namespace tidelog::cli
