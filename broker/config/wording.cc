#include "broker/config/wording.h"

#include <fmt/format.h>

#include <limits>

namespace tidelog::broker {
namespace {

std::int64_t widest(OptionType type, bool upper) {
  using Int = std::numeric_limits<std::int32_t>;
  using Long = std::numeric_limits<std::int64_t>;
  if (type == OptionType::short_integer) return upper ? std::numeric_limits<std::int16_t>::max() : std::numeric_limits<std::int16_t>::min();
  if (type == OptionType::integer) return upper ? Int::max() : Int::min();
  return upper ? Long::max() : Long::min();
}

}  // namespace

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "bool";
    case OptionType::short_integer: return "short";
    case OptionType::integer: return "int";
    case OptionType::long_integer: return "long";
    case OptionType::real: return "double";
    case OptionType::text: return "string";
    case OptionType::list: return "list";
    case OptionType::choice: return "enum";
    case OptionType::class_name: return "class";
    case OptionType::password: return "password";
  }
  return "";
}

std::string allowed_text(const OptionInfo& info) {
  if (!info.rules.choices.empty()) return fmt::format("{}", fmt::join(info.rules.choices, ", "));
  const bool counts = info.type == OptionType::short_integer || info.type == OptionType::integer || info.type == OptionType::long_integer ||
                      info.type == OptionType::real;
  if (!counts) return info.type == OptionType::boolean ? "true, false" : "";
  const bool from = info.rules.limits.min > widest(info.type, false);
  const bool to = info.rules.limits.max < widest(info.type, true);
  if (from && to) return fmt::format("{} to {}", info.rules.limits.min, info.rules.limits.max);
  if (from) return fmt::format("from {}", info.rules.limits.min);
  return "";
}

std::string_view update_text(OptionUpdate update) {
  switch (update) {
    case OptionUpdate::read_only: return "at start";
    case OptionUpdate::per_broker: return "live, one broker at a time";
    case OptionUpdate::cluster_wide: return "live";
  }
  return "";
}

}  // namespace tidelog::broker
