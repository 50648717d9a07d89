#include "broker/config/properties.h"

#include "broker/config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidelog::broker {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\r'; }

std::string_view skip_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

/// An odd number of backslashes at the end: the last one is not itself escaped.
bool continues(std::string_view line) {
  std::size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

/// Cuts the text into lines as they are written, then joins the continued ones.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  /// The next line that holds a property, joined; false at the end.
  bool next(std::string& joined, std::size_t& first_line) {
    while (!rest_.empty()) {
      std::string_view line = skip_space(take());
      if (line.empty() || line.front() == '#' || line.front() == '!') continue;
      first_line = number_;
      joined.assign(line);
      while (continues(joined)) {
        joined.pop_back();
        joined += skip_space(take());
      }
      return true;
    }
    return false;
  }

 private:
  std::string_view take() {
    ++number_;
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

  std::string_view rest_;
  std::size_t number_ = 0;
};

void append_utf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

/// Four hexadecimal digits of a character outside the surrogates, which no configuration value needs.
std::optional<std::uint32_t> parse_code(std::string_view digits) {
  std::uint32_t code = 0;
  if (digits.size() != 4) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + 4, code, 16);
  if (error != std::errc{} || end != digits.data() + 4 || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  return code;
}

char unescaped(char c) {
  switch (c) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'f': return '\f';
    default: return c;
  }
}

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    if (text[i] != 'u') {
      out += unescaped(text[i]);
      continue;
    }
    const std::optional<std::uint32_t> code = parse_code(text.substr(i + 1, 4));
    if (!code) return std::nullopt;
    append_utf8(*code, out);
    i += 4;
  }
  return out;
}

/// Where the key ends: at the first separator or space that is not escaped.
std::size_t key_length(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || is_space(line[i])) {
      return i;
    }
  }
  return line.size();
}

}  // namespace

Result<std::vector<Property>, PropertiesError> parse_properties(std::string_view text) {
  std::vector<Property> properties;
  // Editors of other systems put a byte order mark before the first key.
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Lines lines(text);
  std::string line;
  std::size_t number = 0;
  while (lines.next(line, number)) {
    const std::size_t key_end = key_length(line);
    std::string_view rest = skip_space(std::string_view(line).substr(key_end));
    if (!rest.empty() && (rest.front() == '=' || rest.front() == ':')) rest = skip_space(rest.substr(1));
    const std::optional<std::string> key = unescape(std::string_view(line).substr(0, key_end));
    const std::optional<std::string> value = unescape(rest);
    if (!key || !value) return PropertiesError{number, "\\u needs four hexadecimal digits"};
    if (key->empty()) return PropertiesError{number, "the key is missing"};
    const auto earlier = std::ranges::find(properties, *key, &Property::key);
    if (earlier != properties.end())
      return PropertiesError{number, fmt::format("{} is set a second time, first on line {}", *key, earlier->line)};
    properties.push_back({*key, std::string(trim(*value)), number});
  }
  return properties;
}

}  // namespace tidelog::broker
