#include "cli/record_format.h"

#include "cli/text/json.h"
#include "cli/text/utf8.h"

#include <charconv>

namespace tidelog::cli {
namespace {

constexpr std::string_view kVerbs = "tpoTkKsSh";

error bad_format(const std::string& what) {
  return error(errc::invalid_argument, "the format has " + what).set_hint("%t %p %o %T %k %K %s %S %h %% and \\n \\t \\r \\0 \\\\ \\xHH");
}

/// Takes the escape behind a backslash off the front of `text`; npos-like nullopt if there is none such.
std::optional<char> take_escape(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const char letter = text.front();
  text.remove_prefix(1);
  switch (letter) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case '0': return '\0';
    case '\\': return '\\';
    default: break;
  }
  unsigned char byte = 0;
  if (letter != 'x' || text.size() < 2) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + 2, byte, 16);
  if (failed != std::errc{} || end != text.data() + 2) return std::nullopt;
  text.remove_prefix(2);
  return static_cast<char>(byte);
}

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto [end, failed] = std::to_chars(digits, digits + sizeof digits, number);
  (void)failed;
  out.append(digits, end);
}

std::int64_t size_of(bytes_view bytes) { return bytes.is_null() ? -1 : static_cast<std::int64_t>(bytes.size()); }

void append_headers(std::string& out, const record_view& record) {
  bool is_first = true;
  for (const header_view& header : record.headers()) {
    if (!std::exchange(is_first, false)) out += ',';
    out.append(header.name()).append("=").append(header.value().is_null() ? std::string_view("NULL") : header.value().text());
  }
}

void append_bytes_json(Json& object, const std::string& name, bytes_view bytes) {
  if (bytes.is_null())
    object.raw(name, "null");
  else if (is_utf8(bytes.text()))
    object.field(name, bytes.text());
  else
    object.field(name + "_base64", to_base64(bytes.text()));
}

}  // namespace

result<RecordFormat> RecordFormat::parse(std::string_view text) {
  RecordFormat format;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) format.pieces_.push_back({.verb = 0, .text = std::exchange(literal, {})});
  };
  while (!text.empty()) {
    const char letter = text.front();
    text.remove_prefix(1);
    if (letter == '\\') {
      const auto escaped = take_escape(text);
      if (!escaped) return bad_format("an unknown escape behind a backslash");
      literal += *escaped;
    } else if (letter != '%' || text.starts_with('%')) {
      if (letter == '%') text.remove_prefix(1);  // Two stand for one.
      literal += letter;
    } else {
      if (text.empty()) return bad_format("a % at its end");
      const char verb = text.front();
      text.remove_prefix(1);
      if (!kVerbs.contains(verb)) return bad_format(std::string("an unknown verb %") + verb);
      end_literal();
      format.pieces_.push_back({.verb = verb, .text = {}});
    }
  }
  end_literal();
  return format;
}

void RecordFormat::append(std::string& out, const record_view& record) const {
  for (const Piece& piece : pieces_) {
    switch (piece.verb) {
      case 't': out += record.topic(); break;
      case 'p': append_number(out, record.partition()); break;
      case 'o': append_number(out, record.offset()); break;
      case 'T': append_number(out, record.timestamp_ms()); break;
      case 'k': out += record.key().text(); break;
      case 'K': append_number(out, size_of(record.key())); break;
      case 's': out += record.value().text(); break;
      case 'S': append_number(out, size_of(record.value())); break;
      case 'h': append_headers(out, record); break;
      default: out += piece.text; break;
    }
  }
}

std::string record_json(const record_view& record) {
  Json object;
  object.field("topic", record.topic()).field("partition", record.partition()).field("offset", record.offset());
  object.field("timestamp", record.timestamp_ms());
  append_bytes_json(object, "key", record.key());
  append_bytes_json(object, "value", record.value());
  std::string headers;
  for (const header_view& header : record.headers()) {
    Json each;
    each.field("name", header.name());
    append_bytes_json(each, "value", header.value());
    headers += (headers.empty() ? "" : ",") + each.text();
  }
  return object.raw("headers", "[" + headers + "]").text();
}

}  // namespace tidelog::cli
