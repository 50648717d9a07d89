#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace tidelog::storage {

/// Takes a number and the one character behind it off the front of `text`.
template <class T>
std::optional<T> take_number(std::string_view& text, char terminator) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() + text.size() || *end != terminator) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return value;
}

}  // namespace tidelog::storage
