#pragma once

#include "cli/text/json.h"

#include <concepts>
#include <string>
#include <string_view>

namespace tidelog::cli {

/// One line of a dump: `type name=value name=value`, or the same as one JSON object.
class DumpLine {
 public:
  DumpLine(bool is_json, std::string_view type) : is_json_(is_json), text_(type) { json_.field("type", type); }

  DumpLine& field(std::string_view name, std::string_view value) {
    if (is_json_) return json_.field(name, value), *this;
    return name_text(name), append_json_string(text_, value), *this;
  }
  /// A word of ours, which needs no quotes.
  DumpLine& word(std::string_view name, std::string_view value) {
    if (is_json_) return json_.field(name, value), *this;
    return name_text(name), text_ += value, *this;
  }
  template <std::integral T>
  DumpLine& field(std::string_view name, T value) {
    if (is_json_) return json_.field(name, value), *this;
    return name_text(name), text_ += spelled(value), *this;
  }
  [[nodiscard]] std::string text() const { return (is_json_ ? json_.text() : text_) + "\n"; }

 private:
  static std::string spelled(bool value) { return value ? "yes" : "no"; }
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  static std::string spelled(T value) {
    return std::to_string(value);
  }
  void name_text(std::string_view name) { text_.append(" ").append(name).append("="); }

  bool is_json_;
  std::string text_;
  Json json_;
};

}  // namespace tidelog::cli
