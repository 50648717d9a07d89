#include "broker/config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tidelog::broker {
namespace {

constexpr std::int64_t kNoMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNoMax = std::numeric_limits<std::int64_t>::max();

std::string range_text(const Limits& limits) {
  if (limits.min == kNoMin && limits.max == kNoMax) return "any number";
  if (limits.max == kNoMax) return fmt::format("at least {}", limits.min);
  if (limits.min == kNoMin) return fmt::format("at most {}", limits.max);
  return fmt::format("{} to {}", limits.min, limits.max);
}

bool within(const Limits& limits, double value) {
  return (limits.min == kNoMin || value >= static_cast<double>(limits.min)) &&
         (limits.max == kNoMax || value <= static_cast<double>(limits.max));
}

template <std::integral T>
ValueResult parse_integer(std::string_view text, const ValueRules& rules, T& out) {
  std::string_view digits = trim(text);
  if (digits.size() > 1 && digits.front() == '+' && digits[1] != '-') digits.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range)
    return fmt::format("it does not fit in {} bits (allowed: {})", sizeof(T) * 8, range_text(rules.limits));
  if (error != std::errc{} || end != digits.data() + digits.size())
    return fmt::format("not a whole number (allowed: {})", range_text(rules.limits));
  if (value < rules.limits.min || value > rules.limits.max) return fmt::format("out of range (allowed: {})", range_text(rules.limits));
  out = value;
  return {};
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_one_of(std::string_view text, const ValueRules& rules) {
  return std::ranges::any_of(rules.choices, [&](std::string_view choice) {
    return rules.ignores_case ? std::ranges::equal(choice, text, {}, to_lower, to_lower) : choice == text;
  });
}

/// An element that is there more than once; empty: there is none. Sorted, for a list may have thousands of elements.
std::string_view repeated_element(const std::vector<std::string>& elements) {
  std::vector<std::string_view> sorted(elements.begin(), elements.end());
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  return twice == sorted.end() ? std::string_view() : *twice;
}

template <class T>
ValueResult check_as(std::string_view text, const ValueRules& rules) {
  T scratch{};
  return parse_value(text, rules, scratch);
}

}  // namespace

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

ValueResult parse_value(std::string_view text, const ValueRules& /*rules*/, bool& out) {
  std::string lower(trim(text));
  std::ranges::transform(lower, lower.begin(), to_lower);
  if (lower != "true" && lower != "false") return std::string("allowed: true, false");
  out = lower == "true";
  return {};
}

ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int16_t& out) { return parse_integer(text, rules, out); }
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int32_t& out) { return parse_integer(text, rules, out); }
ValueResult parse_value(std::string_view text, const ValueRules& rules, std::int64_t& out) { return parse_integer(text, rules, out); }

ValueResult parse_value(std::string_view text, const ValueRules& rules, double& out) {
  const std::string_view digits = trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return fmt::format("not a number (allowed: {})", range_text(rules.limits));
  if (!within(rules.limits, value) || value != value) return fmt::format("out of range (allowed: {})", range_text(rules.limits));
  out = value;
  return {};
}

ValueResult parse_value(std::string_view text, const ValueRules& rules, std::string& out) {
  const std::string_view value = trim(text);
  if (!rules.choices.empty() && !is_one_of(value, rules)) return fmt::format("allowed: {}", fmt::join(rules.choices, ", "));
  out = value;
  return {};
}

ValueResult parse_value(std::string_view text, const ValueRules& rules, std::vector<std::string>& out) {
  std::vector<std::string> elements;
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view element = trim(rest.substr(0, comma));
    if (element.empty()) return std::string("an element of the list is empty");
    if (!rules.choices.empty() && !is_one_of(element, rules)) return fmt::format("allowed: {}", fmt::join(rules.choices, ", "));
    elements.emplace_back(element);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
    if (trim(rest).empty()) return std::string("an element of the list is empty");
  }
  if (const std::string_view twice = repeated_element(elements); !twice.empty()) return fmt::format("\"{}\" is listed twice", twice);
  out = std::move(elements);
  return {};
}

ValueResult parse_choice(std::string_view text, const ValueRules& rules, std::size_t& index) {
  const auto found = std::ranges::find(rules.choices, trim(text));
  if (found == rules.choices.end()) return fmt::format("allowed: {}", fmt::join(rules.choices, ", "));
  index = static_cast<std::size_t>(found - rules.choices.begin());
  return {};
}

ValueResult check_value(OptionType type, std::string_view text, const ValueRules& rules) {
  switch (type) {
    case OptionType::boolean: return check_as<bool>(text, rules);
    case OptionType::short_integer: return check_as<std::int16_t>(text, rules);
    case OptionType::integer: return check_as<std::int32_t>(text, rules);
    case OptionType::long_integer: return check_as<std::int64_t>(text, rules);
    case OptionType::real: return check_as<double>(text, rules);
    case OptionType::list: return check_as<std::vector<std::string>>(text, rules);
    case OptionType::text:
    case OptionType::choice:
    case OptionType::class_name:
    case OptionType::password: return check_as<std::string>(text, rules);
  }
  return {};
}

std::string print_value(bool value) { return value ? "true" : "false"; }
std::string print_value(std::int32_t value) { return fmt::format("{}", value); }
std::string print_value(std::int64_t value) { return fmt::format("{}", value); }
/// A power of ten is spelled as Kafka's own tools spell it: 1.5E308, not 1.5e+308.
std::string print_value(double value) {
  const std::string text = fmt::format("{}", value);
  const std::size_t power = text.find('e');
  if (power == std::string::npos) return text;
  const std::string mantissa = text.substr(0, power);
  return fmt::format("{}{}E{}", mantissa, mantissa.find('.') == std::string::npos ? ".0" : "", std::stoi(text.substr(power + 1)));
}
std::string print_value(const std::string& value) { return value; }
std::string print_value(const std::vector<std::string>& value) { return fmt::format("{}", fmt::join(value, ",")); }

}  // namespace tidelog::broker
