#include "broker/logging/line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace tidelog::broker {
namespace {

constexpr std::size_t kMaxLineBytes = 8192;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool continues(unsigned char c) { return (c & 0xc0) == 0x80; }

/// Length of the UTF-8 sequence at the front, 0 if there is none: overlong forms and surrogates do not count.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(byte(i))) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

void append_ascii(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  } else {
    out += c;
  }
}

}  // namespace

std::string escape_line(std::string_view message) {
  std::string_view rest = message.substr(0, kMaxLineBytes);
  std::string out;
  out.reserve(rest.size());
  while (!rest.empty()) {
    const std::size_t length = sequence_length(rest);
    if (length == 1) append_ascii(rest.front(), out);
    if (length == 0) out += kReplacement;
    if (length > 1) out += rest.substr(0, length);
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace tidelog::broker
