#include "broker/config/markdown.h"

#include "broker/config/broker_options.h"
#include "broker/config/topic_config.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>

namespace tidelog::broker {
namespace {

constexpr std::string_view kHead = R"(# Configuration

This file is made from the option tables in `broker/config` (`make docs`; a test compares it). Do not edit it by hand.

A setting is given in a file (`tidelog serve -c FILE`, Kafka's `.properties` format), in the environment (`TIDELOG_LOG_DIRS` for `log.dirs`) or as a
flag (`-o key=value`). A flag beats the environment, which beats the file, which beats the default. The broker is strict: an unknown key or a value it
cannot use ends it with exit status 2, the place, and what was probably meant. Numbers are written out, without units. Of environment variables only those that nearly spell a key are refused: others
whose names begin with `TIDELOG_` may be another program's, such as the service links of a container runtime.

Keys and meanings are Kafka's. **ours** marks the few that Kafka does not have. **no effect yet** marks keys that are accepted and checked, and that
nothing acts on in this version. **live** marks keys that belong to those Kafka can change in a running broker; this version reads all of them at start.
)";

std::string_view type_name(OptionType type) {
  switch (type) {
    case OptionType::boolean: return "bool";
    case OptionType::integer: return "int";
    case OptionType::long_integer: return "long";
    case OptionType::real: return "double";
    case OptionType::text: return "string";
    case OptionType::list: return "list";
    case OptionType::choice: return "enum";
  }
  return "";
}

std::string_view unit(std::string_view key) {
  if (key.ends_with(".ms")) return ", ms";
  if (key.ends_with(".bytes")) return ", bytes";
  return "";
}

std::int64_t widest(OptionType type, bool upper) {
  using Int = std::numeric_limits<std::int32_t>;
  using Long = std::numeric_limits<std::int64_t>;
  if (type == OptionType::integer) return upper ? Int::max() : Int::min();
  return upper ? Long::max() : Long::min();
}

std::string allowed(const OptionInfo& info) {
  if (!info.rules.choices.empty()) return fmt::format("`{}`", fmt::join(info.rules.choices, "`, `"));
  const bool counts = info.type == OptionType::integer || info.type == OptionType::long_integer || info.type == OptionType::real;
  if (!counts) return info.type == OptionType::boolean ? "`true`, `false`" : "";
  const bool from = info.rules.limits.min > widest(info.type, false);
  const bool to = info.rules.limits.max < widest(info.type, true);
  if (from && to) return fmt::format("{} to {}", info.rules.limits.min, info.rules.limits.max);
  if (from) return fmt::format("from {}", info.rules.limits.min);
  return "";
}

std::string marks(const OptionInfo& info, bool with_update) {
  std::string text;
  if (info.origin == OptionOrigin::ours) text += "**ours** ";
  if (info.effect == OptionEffect::not_yet) text += "**no effect yet** ";
  if (with_update && info.update == OptionUpdate::dynamic) text += "**live** ";
  return text;
}

std::string synonyms_text(std::span<const Synonym> synonyms) {
  std::string text;
  for (const Synonym& synonym : synonyms) {
    if (!text.empty()) text += ", ";
    text += fmt::format("`{}`", synonym.key);
  }
  return text;
}

std::string default_text(const std::string& value) { return value.empty() ? "" : fmt::format("`{}`", value); }

void render_broker(std::back_insert_iterator<std::string> out) {
  const BrokerOptions defaults;
  fmt::format_to(out, "\n## Broker\n\n| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n");
  for (const Option<BrokerOptions>& row : broker_option_table()) {
    fmt::format_to(out, "| `{}` | {}{} | {} | {} | {}{} |\n", row.key, type_name(row.type), unit(row.key), default_text(row.get(defaults)),
                   allowed(row), marks(row, true), row.doc);
  }
}

void render_topic(std::back_insert_iterator<std::string> out) {
  const TopicConfig defaults = resolve_topic_config(BrokerOptions{}, {});
  fmt::format_to(out,
                 "\n## Topic\n\nGiven when a topic is created (`tidelog topic create NAME -c key=value`). A key that is left out follows "
                 "the broker's key "
                 "beside it; of several, the first that has a value.\n\n"
                 "| key | type | default | allowed | broker keys | meaning |\n|---|---|---|---|---|---|\n");
  for (const TopicOption& row : topic_option_table()) {
    fmt::format_to(out, "| `{}` | {}{} | {} | {} | {} | {}{} |\n", row.key, type_name(row.type), unit(row.key),
                   default_text(row.get(defaults)), allowed(row), synonyms_text(row.synonyms), marks(row, false), row.doc);
  }
}

}  // namespace

std::string render_markdown() {
  std::string text(kHead);
  render_broker(std::back_inserter(text));
  render_topic(std::back_inserter(text));
  return text;
}

}  // namespace tidelog::broker
