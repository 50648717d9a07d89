#include "cli/text/legible.h"

#include "cli/text/utf8.h"

#include <algorithm>

namespace tidelog::cli {
namespace {

bool is_blank(std::string_view letter) { return letter.front() >= '\t' && letter.front() <= '\r'; }

bool is_control(std::string_view letter) {
  const auto first = static_cast<unsigned char>(letter.front());
  // C1 is U+0080 to U+009F: terminals take U+009B for ESC [.
  const bool is_c1 = first == 0xc2 && static_cast<unsigned char>(letter[1]) < 0xa0;
  return first < 0x20 || first == 0x7f || is_c1;
}

}  // namespace

std::string legible(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_bytes(text);
    const std::string_view letter = text.substr(0, std::max<std::size_t>(length, 1));
    if (is_blank(letter))
      clean += ' ';
    else if (length == 0 || is_control(letter))
      clean += '?';
    else
      clean += letter;
    text.remove_prefix(letter.size());
  }
  return clean;
}

}  // namespace tidelog::cli
