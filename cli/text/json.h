#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace tidelog::cli {

/// Appends a JSON string. Bytes that are not UTF-8 become U+FFFD; ask `is_utf8` first where that matters.
void append_json_string(std::string& out, std::string_view text);

std::string to_base64(std::string_view bytes);

/// Writes one JSON object, fields in the order given.
class Json {
 public:
  Json& field(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(text_, value);
    return *this;
  }
  Json& field(std::string_view name, const char* value) { return field(name, std::string_view(value)); }
  Json& field(std::string_view name, const std::string& value) { return field(name, std::string_view(value)); }
  Json& field(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json& field(std::string_view name, T value) {
    return raw(name, std::to_string(value));
  }
  /// `json` is a value already.
  Json& raw(std::string_view name, std::string_view json) {
    begin(name);
    text_ += json;
    return *this;
  }
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  void begin(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    append_json_string(text_, name);
    text_ += ':';
  }

  std::string text_ = "{";
};

}  // namespace tidelog::cli
