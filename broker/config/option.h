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
  bool is_limit = false;  ///< There are too many of something, rather than one that is wrong.
};

/// Message and hint in one, for an answer that has room for one text.
std::string to_sentence(const ConfigError& error);

enum class OptionOrigin : std::uint8_t { kafka, ours };
/// How the key may change while the broker runs: not at all, for one broker at a time, or for one and for all of them.
enum class OptionUpdate : std::uint8_t { read_only, per_broker, cluster_wide };

/// What is known of a key without its place in memory.
struct OptionInfo {
  std::string_view key;
  OptionType type = OptionType::text;
  ValueRules rules;
  std::string_view doc;
  OptionOrigin origin = OptionOrigin::kafka;
  OptionUpdate update = OptionUpdate::read_only;
  /// Not empty: the key is accepted and checked, so that files made for Kafka and for later versions load, and nothing reads it: why.
  std::string_view no_effect;
  /// Of a key that has no member: its value when nobody gave one.
  std::string_view fallback;
  bool is_nullable = false;  ///< No text means no value: clients see null.
  bool is_required = false;  ///< Kafka has no default: whoever describes it shows none.
  bool is_internal = false;  ///< Shown to clients only when somebody set it.

  [[nodiscard]] bool is_sensitive() const { return type == OptionType::password; }
  [[nodiscard]] bool is_dynamic() const { return update != OptionUpdate::read_only; }
};

/// What a key means, and for one without effect why it has none.
std::string full_doc(std::string_view doc, std::string_view no_effect);

/// A value as clients see it: null if there is none.
inline std::optional<std::string> shown_value(const OptionInfo& info, std::string value) {
  if (info.is_nullable && value.empty()) return std::nullopt;
  return value;
}

/// One line of an option table: a key and the place in `Struct` that holds its value. The initialiser of a member is its default, so a new
/// key is one member and one line.
template <class Struct>
struct Option : OptionInfo {
  ValueResult (*set)(Struct&, std::string_view text, const OptionInfo&) = nullptr;
  std::string (*get)(const Struct&, const OptionInfo&) = nullptr;

  ValueResult read(Struct& into, std::string_view text) const { return set(into, text, *this); }
  std::string print(const Struct& from) const { return get(from, *this); }

  constexpr Option ours() const {
    return with([](Option& o) { o.origin = OptionOrigin::ours; });
  }
  constexpr Option without_effect(std::string_view why) const {
    return with([why](Option& o) { o.no_effect = why; });
  }
  constexpr Option per_broker() const {
    return with([](Option& o) { o.update = OptionUpdate::per_broker; });
  }
  constexpr Option cluster_wide() const {
    return with([](Option& o) { o.update = OptionUpdate::cluster_wide; });
  }
  constexpr Option one_of(std::span<const std::string_view> choices) const {
    return with([choices](Option& o) { o.rules.choices = choices; });
  }
  constexpr Option in_any_case() const {
    return with([](Option& o) { o.rules.ignores_case = true; });
  }
  constexpr Option nullable() const {
    return with([](Option& o) { o.is_nullable = true; });
  }
  constexpr Option required() const {
    return with([](Option& o) { o.is_required = true; });
  }
  constexpr Option internal() const {
    return with([](Option& o) { o.is_internal = true; });
  }
  constexpr Option short_integer() const {
    return with([](Option& o) { o.type = OptionType::short_integer; });
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

template <class T>
constexpr bool kIsOptional = false;
template <class T>
constexpr bool kIsOptional<std::optional<T>> = true;

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
  made.is_nullable = kIsOptional<Value>;
  made.set = [](Struct& into, std::string_view text, const OptionInfo& info) { return parse_value(text, info.rules, into.*member); };
  made.get = [](const Struct& from, const OptionInfo&) { return print_value(from.*member); };
  return made;
}

}  // namespace tidelog::broker
