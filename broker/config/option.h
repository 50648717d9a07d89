#pragma once

#include "broker/config/value.h"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace tidelog::broker {

/// Why a configuration cannot be used. `message` is one whole sentence that names place, key and value; `hint` says what to type.
struct ConfigError {
  std::string key;
  std::string message;
  std::string hint;
};

enum class OptionOrigin : std::uint8_t { kafka, ours };
/// `not_yet`: accepted and checked, so that files written for later versions and for Kafka load, but nothing reads it.
enum class OptionEffect : std::uint8_t { now, not_yet };
/// How the key may change once configs can be altered in a running broker.
enum class OptionUpdate : std::uint8_t { read_only, dynamic };

/// What is known of a key without its place in memory.
struct OptionInfo {
  std::string_view key;
  OptionType type = OptionType::text;
  ValueRules rules;
  std::string_view doc;
  OptionOrigin origin = OptionOrigin::kafka;
  OptionEffect effect = OptionEffect::now;
  OptionUpdate update = OptionUpdate::read_only;
};

/// One line of an option table: a key and the member of `Struct` that holds its value. The member's initialiser is the default, so a new
/// key is one member and one line.
template <class Struct>
struct Option : OptionInfo {
  ValueResult (*set)(Struct&, std::string_view text, const ValueRules&) = nullptr;
  std::string (*get)(const Struct&) = nullptr;

  constexpr Option ours() const {
    return with([](Option& o) { o.origin = OptionOrigin::ours; });
  }
  constexpr Option not_yet() const {
    return with([](Option& o) { o.effect = OptionEffect::not_yet; });
  }
  constexpr Option dynamic() const {
    return with([](Option& o) { o.update = OptionUpdate::dynamic; });
  }
  constexpr Option one_of(std::span<const std::string_view> choices) const {
    return with([choices](Option& o) { o.rules.choices = choices; });
  }

 private:
  template <class Change>
  constexpr Option with(Change change) const {
    Option copy = *this;
    change(copy);
    return copy;
  }
};

template <class Member>
struct MemberOf;
template <class S, class T>
struct MemberOf<T S::*> {
  using Struct = S;
  using Value = T;
};

/// Makes a table line for a member: `option<&BrokerOptions::num_partitions>("num.partitions", at_least(1), "...")`.
template <auto member>
constexpr auto option(std::string_view key, Limits limits, std::string_view doc) {
  using Struct = typename MemberOf<decltype(member)>::Struct;
  using Value = typename MemberOf<decltype(member)>::Value;
  Option<Struct> made;
  made.key = key;
  made.type = option_type_of<Value>();
  made.rules.limits = limits;
  if constexpr (std::is_enum_v<Value>) made.rules.choices = choice_names(Value{});
  made.doc = doc;
  made.set = [](Struct& into, std::string_view text, const ValueRules& rules) { return parse_value(text, rules, into.*member); };
  made.get = [](const Struct& from) { return print_value(from.*member); };
  return made;
}

template <class Struct>
const Option<Struct>* find_option(std::span<const Option<Struct>> table, std::string_view key) {
  for (const Option<Struct>& row : table) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

}  // namespace tidelog::broker
