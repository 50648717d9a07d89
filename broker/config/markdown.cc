#include "broker/config/markdown.h"

#include "broker/config/broker_options.h"
#include "broker/config/resource_options.h"
#include "broker/config/topic_config.h"
#include "broker/config/wording.h"

#include <fmt/format.h>

#include <iterator>

namespace tidelog::broker {
namespace {

constexpr std::string_view kHead = R"(# Configuration

This file is made from the option tables in `broker/config` (`make docs`; a test compares it). Do not edit it by hand.

A setting is given in a file (`tidelog serve -c FILE`, Kafka's `.properties` format), in the environment (`TIDELOG_LOG_DIRS` for `log.dirs`) or as a
flag (`-o key=value`). A flag beats the environment, which beats the file, which beats the default. The broker is strict: an unknown key or a value it
cannot use ends it with exit status 2, the place, and what was probably meant. Numbers are written out, without units. Of environment variables only those that nearly spell a key are refused: others
whose names begin with `TIDELOG_` may be another program's, such as the service links of a container runtime.

Keys and meanings are Kafka's, and every key of Apache Kafka 4.4 is known, so a `server.properties` made for it loads. **ours** marks the few that
Kafka does not have. *No effect* marks keys that are accepted and checked, and that nothing reads in this version; the reason stands beside it. **live**
marks keys that change in a running broker (`tidelog config set --broker all KEY=VALUE`), **live, one broker** those that change only for one broker at
a time. Changes are kept in the metadata log and outlive a restart; they beat the file. `listener.name.NAME.KEY` gives one listener a value of its own.
`tidelog config explain KEY` prints what stands here.
)";

std::string_view unit(std::string_view key) {
  if (key.ends_with(".ms")) return ", ms";
  if (key.ends_with(".bytes")) return ", bytes";
  return "";
}

std::string allowed_in_code(const OptionInfo& info) {
  if (!info.rules.choices.empty()) return fmt::format("`{}`", fmt::join(info.rules.choices, "`, `"));
  return info.type == OptionType::boolean ? "`true`, `false`" : allowed_text(info);
}

std::string marks(const OptionInfo& info, bool with_update) {
  std::string text;
  if (info.origin == OptionOrigin::ours) text += "**ours** ";
  if (!with_update) return text;
  if (info.update == OptionUpdate::cluster_wide) text += "**live** ";
  if (info.update == OptionUpdate::per_broker) text += "**live, one broker** ";
  return text;
}

std::string meaning(const OptionInfo& info) {
  std::string text(info.doc);
  if (!info.no_effect.empty()) text.append(" *No effect*: ").append(info.no_effect).append(".");
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
  for (const OptionGroup& group : broker_option_groups()) {
    fmt::format_to(out, "\n## {}\n\n| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n", group.title);
    for (const BrokerOption& row : group.rows) {
      fmt::format_to(out, "| `{}` | {}{} | {} | {} | {}{} |\n", row.key, type_name(row.type), unit(row.key),
                     default_text(row.print(defaults)), allowed_in_code(row), marks(row, true), meaning(row));
    }
  }
}

void render_topic(std::back_insert_iterator<std::string> out) {
  const TopicConfig defaults = topic_defaults(BrokerOptions{});
  fmt::format_to(out,
                 "\n## Topic\n\nGiven when a topic is created (`tidelog topic create NAME -c key=value`) and changed at any time "
                 "(`tidelog topic alter NAME -c key=value`). A key that is left out follows the broker's key beside it; of several, the "
                 "first that has a value.\n\n"
                 "| key | type | default | allowed | broker keys | meaning |\n|---|---|---|---|---|---|\n");
  for (const TopicOption& row : topic_option_table()) {
    fmt::format_to(out, "| `{}` | {}{} | {} | {} | {} | {}{} |\n", row.key, type_name(row.type), unit(row.key),
                   default_text(row.print(defaults)), allowed_in_code(row), synonyms_text(row.synonyms), marks(row, false), meaning(row));
  }
}

void render_resource(std::back_insert_iterator<std::string> out, std::string_view title, std::string_view intro,
                     std::span<const ResourceOption> rows) {
  fmt::format_to(out, "\n## {}\n\n{}\n\n| key | type | default | allowed | broker key | meaning |\n|---|---|---|---|---|---|\n", title,
                 intro);
  for (const ResourceOption& row : rows) {
    fmt::format_to(out, "| `{}` | {}{} | {} | {} | {} | {} |\n", row.key, type_name(row.type), unit(row.key),
                   default_text(std::string(row.fallback)), allowed_in_code(row), default_text(std::string(row.synonym)), meaning(row));
  }
}

}  // namespace

std::string render_markdown() {
  std::string text(kHead);
  const auto out = std::back_inserter(text);
  render_broker(out);
  render_topic(out);
  render_resource(
      out, "Group",
      "Set for one group (`tidelog config set --group NAME KEY=VALUE`; AlterConfigs of resource type 32), also before there is one of that "
      "name; in force with the next heartbeat of its members. A key that is left out follows the broker's key beside it, whose "
      "bounds (`group.consumer.min.session.timeout.ms` and its like) hold for what is set here.",
      group_options());
  render_resource(out, "Client metrics", "Set for a subscription (resource type 16).", client_metrics_options());
  render_resource(out, "Users and clients", "Set as quotas and credentials (AlterClientQuotas, AlterUserScramCredentials), not as configs.",
                  quota_options());
  render_resource(out, "Addresses", "Set as quotas, not as configs.", address_options());
  return text;
}

}  // namespace tidelog::broker
