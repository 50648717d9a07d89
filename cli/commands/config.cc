// Reading and changing the settings of topics, brokers and groups.
#include "cli/commands/commands.h"
#include "cli/text/table.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidelog::cli {
namespace {

std::string_view text_of(config_source source) {
  switch (source) {
    case config_source::topic: return "topic";
    case config_source::broker: return "broker";
    case config_source::all_brokers: return "all-brokers";
    case config_source::broker_file: return "broker-file";
    case config_source::fallback: return "default";
    case config_source::broker_logger: return "broker-logger";
    case config_source::client_metrics: return "client-metrics";
    case config_source::group: return "group";
    case config_source::unknown: break;
  }
  return "unknown";
}

/// The topic, broker or group that the command line names: exactly one.
result<config_resource> resource_of(const ConfigOptions& options) {
  const error unclear = error(errc::invalid_argument, "whose settings? Name one topic, one broker or one group")
                            .set_hint("--topic NAME, --broker ID, --broker all, or --group NAME");
  if (!options.topic.empty() + !options.broker.empty() + !options.group.empty() != 1) return unclear;
  if (!options.topic.empty()) return config_resource::topic(options.topic);
  if (!options.group.empty()) return config_resource::group(options.group);
  if (options.broker == "all") return config_resource::all_brokers();
  std::int32_t id = 0;
  const auto [end, failed] = std::from_chars(options.broker.data(), options.broker.data() + options.broker.size(), id);
  if (failed != std::errc{} || end != options.broker.data() + options.broker.size() || id < 0) {
    return error(errc::invalid_argument, "\"" + options.broker + "\" is no broker").set_hint("--broker ID, or --broker all");
  }
  return config_resource::broker(id);
}

/// KEY=VALUE, KEY+=VALUE or KEY-=VALUE.
result<config_change> parse_change(const std::string& text) {
  const auto pair = split_pair(text, "change");
  if (!pair) return pair.error();
  std::string key = pair->first;
  const char last = key.back();
  if (last != '+' && last != '-') return config_change::set(std::move(key), pair->second);
  key.pop_back();
  if (key.empty()) return error(errc::invalid_argument, "\"" + text + "\" names no key").set_hint(std::string("KEY") + last + "=VALUE");
  return last == '+' ? config_change::append(std::move(key), pair->second) : config_change::subtract(std::move(key), pair->second);
}

result<std::vector<config_change>> parse_changes(const std::vector<std::string>& texts, const std::vector<std::string>& removed) {
  std::vector<config_change> changes;
  for (const std::string& text : texts) {
    result<config_change> change = parse_change(text);
    if (!change) return change.error();
    changes.push_back(*std::move(change));
  }
  for (const std::string& key : removed) changes.push_back(config_change::remove(key));
  if (changes.empty()) return error(errc::invalid_argument, "which settings? Nothing is to change").set_hint("KEY=VALUE, or -d KEY");
  return changes;
}

std::string shown(const config_entry& entry) { return entry.is_sensitive() ? "(hidden)" : entry.value().value_or(""); }

std::string_view update_of(const config_entry& entry) { return entry.is_read_only() ? "at start" : "live"; }

}  // namespace

int run_config_get(const Command& command) {
  const result<config_resource> resource = resource_of(command.config);
  if (!resource) return fail(command.global, resource.error());
  result<client> client = open_client(command.global, config());
  if (!client) return fail(command.global, client.error());
  const auto entries = client->admin().describe_configs(*resource, command.config.words);
  if (!entries) return fail(command.global, entries.error());
  Table table({"key", "value", "source", "change"});
  for (const config_entry& entry : *entries) {
    const bool is_asked = command.config.shows_all || !command.config.words.empty();
    if (is_asked || entry.source() != config_source::fallback)
      table.add({entry.key(), shown(entry), text_of(entry.source()), update_of(entry)});
  }
  int exit_code = kOk;
  for (const std::string& key : command.config.words) {
    const bool is_there = std::ranges::any_of(*entries, [&](const config_entry& entry) { return entry.key() == key; });
    if (!is_there)
      exit_code = fail(command.global,
                       error(errc::not_found, "there is no setting \"" + key + "\" here").set_hint("tidelog config explain " + key));
  }
  return print(table.render(command, "configs")) || exit_code != kOk ? exit_code : kFailed;
}

int run_config_set(const Command& command) {
  const result<config_resource> resource = resource_of(command.config);
  if (!resource) return fail(command.global, resource.error());
  const auto changes = parse_changes(command.config.words, command.config.removed);
  if (!changes) return fail(command.global, changes.error());
  result<client> client = open_client(command.global, config());
  if (!client) return fail(command.global, client.error());
  const result<void> done = client->admin().incremental_alter_configs(*resource, *changes, command.global.is_dry_run);
  if (!done) return fail(command.global, done.error());
  Table table({"key", "status"});
  for (const config_change& change : *changes) table.add({change.key(), command.global.is_dry_run ? "would be changed" : "changed"});
  return print(table.render(command, "configs")) ? kOk : kFailed;
}

int run_topic_alter(const Command& command) {
  if (command.topic.names.empty()) return fail_usage(command.global, "which topic?", "tidelog topic alter NAME -c KEY=VALUE");
  const auto changes = parse_changes(command.topic.configs, command.config.removed);
  if (!changes) return fail(command.global, changes.error());
  result<client> client = open_client(command.global, config());
  if (!client) return fail(command.global, client.error());
  Table table({"topic", "status"});
  int exit_code = kOk;
  for (const std::string& name : command.topic.names) {
    const result<void> done = client->admin().incremental_alter_configs(config_resource::topic(name), *changes, command.global.is_dry_run);
    const std::string_view status = command.global.is_dry_run ? "would be changed" : "changed";
    table.add({name, done ? status : done.error().code_name()});
    if (done) continue;
    const ExitCode code = fail(command.global, done.error());
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "topics")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
