// What a setting means, from the tables in the program: no broker is asked.
#include "broker/config/resource_options.h"
#include "broker/config/suggest.h"
#include "broker/config/topic_config.h"
#include "broker/config/wording.h"
#include "cli/commands/commands.h"
#include "cli/text/table.h"

namespace tidelog::cli {
namespace {

/// One key in one scope, in words.
struct Explained {
  std::string key;
  std::string scope;
  std::string type;
  std::string allowed;
  std::string fallback;
  std::string follows;  ///< Broker keys that give the default.
  std::string change;
  std::string meaning;
};

Explained explain(const broker::OptionInfo& info, std::string_view scope, std::string fallback) {
  return {.key = std::string(info.key),
          .scope = std::string(scope),
          .type = std::string(broker::type_name(info.type)),
          .allowed = broker::allowed_text(info),
          .fallback = std::move(fallback),
          .follows = {},
          .change = std::string(broker::update_text(info.update)),
          .meaning = broker::full_doc(info.doc, info.no_effect)};
}

void add_topic_key(std::string_view key, std::vector<Explained>& found) {
  const broker::TopicOption* row = broker::find_topic_option(key);
  if (row == nullptr) return;
  Explained& one =
      found.emplace_back(explain(broker::topic_option_info(*row), "topic", row->print(broker::topic_defaults(broker::BrokerOptions{}))));
  for (const broker::Synonym& synonym : row->synonyms) one.follows.append(one.follows.empty() ? "" : ", ").append(synonym.key);
}

void add_resource_key(std::string_view key, std::string_view scope, std::span<const broker::ResourceOption> table,
                      std::vector<Explained>& found) {
  const broker::ResourceOption* row = broker::find_resource_option(table, key);
  if (row == nullptr) return;
  found.push_back(explain(*row, scope, std::string(row->fallback)));
  found.back().follows = row->synonym;
}

std::vector<Explained> explain_key(std::string_view key) {
  std::vector<Explained> found;
  add_topic_key(key, found);
  if (const broker::BrokerOption* row = broker::find_broker_option(key)) {
    found.push_back(explain(*row, "broker", row->print(broker::BrokerOptions{})));
    if (row->key != key) found.back().meaning += " For one listener alone.";
  }
  add_resource_key(key, "group", broker::group_options(), found);
  add_resource_key(key, "client metrics", broker::client_metrics_options(), found);
  add_resource_key(key, "user or client", broker::quota_options(), found);
  add_resource_key(key, "address", broker::address_options(), found);
  return found;
}

std::string closest_key(std::string_view typed) {
  std::vector<std::string_view> keys;
  for (const auto& row : broker::topic_option_table()) keys.push_back(row.key);
  for (const auto& row : broker::broker_option_table()) keys.push_back(row.key);
  for (const auto& row : broker::group_options()) keys.push_back(row.key);
  return std::string(broker::closest_word(typed, keys));
}

std::string line(std::string_view name, const std::string& text) {
  constexpr std::size_t kColumn = 10;
  if (text.empty()) return {};
  return "  " + std::string(name) + std::string(kColumn - name.size(), ' ') + text + "\n";
}

std::string as_text(const Explained& one) {
  return one.key + " (" + one.scope + ")\n" + line("meaning", one.meaning) + line("type", one.type) + line("allowed", one.allowed) +
         line("default", one.fallback) + line("follows", one.follows) + line("change", one.change);
}

}  // namespace

int run_config_explain(const Command& command) {
  if (command.config.words.empty()) return fail_usage(command.global, "which key?", "tidelog config explain KEY");
  Table table({"key", "scope", "type", "allowed", "default", "follows", "change", "meaning"});
  std::string text;
  int exit_code = kOk;
  for (const std::string& key : command.config.words) {
    const std::vector<Explained> found = explain_key(key);
    if (found.empty()) {
      const std::string near = closest_key(key);
      error unknown(errc::not_found, "there is no setting \"" + key + "\"");
      exit_code = fail(command.global, unknown.set_hint(near.empty() ? "tidelog config docs lists all" : "did you mean " + near + "?"));
    }
    for (const Explained& one : found) {
      table.add({one.key, one.scope, one.type, one.allowed, one.fallback, one.follows, one.change, one.meaning});
      text += as_text(one);
    }
  }
  const bool is_text = command.global.format == Format::table;
  return print(is_text ? text : table.render(command, "settings")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
