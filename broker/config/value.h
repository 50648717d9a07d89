#pragma once

#include "proto/base/result.h"

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tidelog::broker {

enum class OptionType : std::uint8_t { boolean, short_integer, integer, long_integer, real, text, list, choice, class_name, password };

/// Both ends belong to the range.
struct Limits {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
constexpr Limits any_value() { return {}; }
constexpr Limits at_least(std::int64_t min) { return {.min = min}; }
constexpr Limits between(std::int64_t min, std::int64_t max) { return {.min = min, .max = max}; }

/// What a value must obey. `choices` empty: any text.
struct ValueRules {
  Limits limits;
  std::span<const std::string_view> choices;
  bool ignores_case = false;  ///< Of the choices.
};

/// Why a text is not a value: the end of the sentence "VALUE is not valid for KEY: ...".
using ValueResult = Result<void, std::string>;

// Each parser changes `out` only on success. Space around a value is ignored, as Kafka does.
ValueResult parse_value(std::string_view text, const ValueRules& rules, bool& out);
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int16_t& out);
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int32_t& out);
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int64_t& out);
ValueResult parse_value(std::string_view text, const ValueRules& rules, double& out);
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::string& out);
/// Elements are separated by commas; none may come twice.
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::vector<std::string>& out);
/// The index of `text` among `rules.choices`; spelling and case must match.
ValueResult parse_choice(std::string_view text, const ValueRules& rules, std::size_t& index);

template <class E>
  requires std::is_enum_v<E>
ValueResult parse_value(std::string_view text, const ValueRules& rules, E& out) {
  std::size_t index = 0;
  if (ValueResult ok = parse_choice(text, rules, index); !ok) return ok.error();
  out = static_cast<E>(index);
  return {};
}

/// An optional that is left out of the file stays empty; an empty text empties it.
template <class T>
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::optional<T>& out) {
  if (text.empty()) return out.reset(), ValueResult{};
  T value{};
  if (ValueResult ok = parse_value(text, rules, value); !ok) return ok.error();
  out = std::move(value);
  return {};
}

// The text that `parse_value` reads back to the same value.
std::string print_value(bool value);
std::string print_value(std::int32_t value);
std::string print_value(std::int64_t value);
std::string print_value(double value);
std::string print_value(const std::string& value);
std::string print_value(const std::vector<std::string>& value);

template <class E>
  requires std::is_enum_v<E>
std::string print_value(E value) {
  return std::string(choice_names(value)[static_cast<std::size_t>(value)]);
}

template <class T>
std::string print_value(const std::optional<T>& value) {
  return value ? print_value(*value) : std::string();
}

/// Whether `text` is a value of this type within the rules, for options that have no member to read it into.
ValueResult check_value(OptionType type, std::string_view text, const ValueRules& rules);

/// Which kind of value a member holds; an optional counts as what it holds.
template <class T>
constexpr OptionType option_type_of() {
  if constexpr (std::same_as<T, bool>) return OptionType::boolean;
  if constexpr (std::same_as<T, std::int32_t> || std::same_as<T, std::optional<std::int32_t>>) return OptionType::integer;
  if constexpr (std::same_as<T, std::int64_t> || std::same_as<T, std::optional<std::int64_t>>) return OptionType::long_integer;
  if constexpr (std::same_as<T, double>) return OptionType::real;
  if constexpr (std::same_as<T, std::vector<std::string>>) return OptionType::list;
  if constexpr (std::is_enum_v<T>) return OptionType::choice;
  return OptionType::text;
}

std::string_view trim(std::string_view text);

}  // namespace tidelog::broker
