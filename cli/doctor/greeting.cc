#include "cli/doctor/greeting.h"

#include <algorithm>
#include <string_view>

namespace tidelog::cli {
namespace {

constexpr std::size_t kWords = 24;

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

bool is_printed(char letter) { return letter >= 0x20 && letter < 0x7f; }

}  // namespace

Greeting greeting_of(Bytes first) {
  if (first.empty()) return Greeting::none;
  const std::string_view text = as_text(first);
  if (text.starts_with("HTTP/")) return Greeting::http;
  // A TLS record: alert or handshake, then the major version.
  if (text.size() >= 2 && (text[0] == 0x15 || text[0] == 0x16) && text[1] == 0x03) return Greeting::tls;
  constexpr std::size_t kEnough = 4;
  const std::string_view line = text.substr(0, std::min(text.find_first_of("\r\n"), text.size()));
  return line.size() >= kEnough && std::ranges::all_of(line, is_printed) ? Greeting::other_text : Greeting::unknown;
}

std::string quoted_greeting(Bytes first) {
  std::string text = "\"";
  for (const char letter : as_text(first).substr(0, kWords)) text += is_printed(letter) && letter != '"' ? letter : '.';
  return text + "\"";
}

}  // namespace tidelog::cli
