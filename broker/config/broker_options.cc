#include "broker/config/broker_options.h"

#include "broker/config/group_config.h"
#include "broker/config/option_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

namespace tidelog::broker {
namespace {

constexpr std::string_view kListenerPrefix = "listener.name.";
/// Keys of the usual authorizer, and prefixes whose keys go to a plugin as they are.
constexpr std::string_view kAuthorizerKeys[] = {"super.users", "allow.everyone.if.no.acl.found"};
constexpr std::string_view kPluginPrefixes[] = {"rlmm.config.", "rsm.config."};

/// What the option says, or a part of the budget.
std::int64_t share(std::int64_t stated, const BrokerOptions& options, std::int64_t part = 4) {
  return stated >= 0 ? stated : options.memory_budget_bytes / part;
}

Result<void, ConfigError> check_memory(const BrokerOptions& options) {
  if (request_memory_bytes(options) >= options.socket_request_max_bytes) return {};
  return ConfigError{
      .key = "queued.max.request.bytes",
      .message = fmt::format("the request pool of {} bytes cannot hold one request of socket.request.max.bytes={}",
                             request_memory_bytes(options), options.socket_request_max_bytes),
      .hint = "raise queued.max.request.bytes (or memory.budget.bytes, of which it is a quarter), or lower socket.request.max.bytes"};
}

/// What `listener.security.protocol.map` says of a name; empty if it does not mention it.
std::string_view protocol_of(std::string_view map, std::string_view name) {
  while (!map.empty()) {
    const std::size_t comma = map.find(',');
    const std::string_view pair = trim(map.substr(0, comma));
    const std::size_t colon = pair.find(':');
    if (colon != std::string_view::npos && trim(pair.substr(0, colon)) == name) return trim(pair.substr(colon + 1));
    map = comma == std::string_view::npos ? std::string_view() : map.substr(comma + 1);
  }
  return {};
}

/// The entries of `key` that clients can use, in order.
Result<std::vector<ListenerAddress>, ConfigError> plain_addresses(std::string_view key, const std::vector<std::string>& addresses,
                                                                  const BrokerOptions& options) {
  std::vector<ListenerAddress> plain;
  for (const std::string& text : addresses) {
    const Result<ListenerAddress, ConfigError> parsed = parse_listener(key, text);
    if (!parsed) return parsed.error();
    if (std::ranges::find(options.controller_listener_names, parsed->name) != options.controller_listener_names.end()) continue;
    const std::string_view protocol = protocol_of(options.listener_security_protocol_map, parsed->name);
    if (protocol == "PLAINTEXT") {
      plain.push_back(*parsed);
      continue;
    }
    return ConfigError{.key = std::string(key),
                       .message = fmt::format("\"{}\" is not valid for {}: {} is not served, only PLAINTEXT is", text, key,
                                              protocol.empty() ? parsed->name : protocol),
                       .hint = protocol.empty() ? fmt::format("add {}:PLAINTEXT to listener.security.protocol.map", parsed->name)
                                                : fmt::format("for example {}=PLAINTEXT://127.0.0.1:9092", key)};
  }
  return plain;
}

/// A name says which settings, and which advertised address, are meant.
Result<void, ConfigError> check_names(std::string_view key, const std::vector<ListenerAddress>& listeners) {
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    if (std::ranges::find(listeners.begin(), listeners.begin() + i, listeners[i].name, &ListenerAddress::name) == listeners.begin() + i)
      continue;
    return ConfigError{std::string(key), fmt::format("{} names {} twice", key, listeners[i].name),
                       "give each a name of its own, and map the names to PLAINTEXT with listener.security.protocol.map"};
  }
  return {};
}

Result<void, ConfigError> check_advertised(const BrokerOptions& options, const std::vector<ListenerAddress>& serving) {
  constexpr std::string_view kKey = "advertised.listeners";
  const auto told = advertised_listeners(options);
  if (!told) return told.error();
  if (auto ok = check_names(kKey, *told); !ok) return ok;
  for (const ListenerAddress& address : *told) {
    if (std::ranges::find(serving, address.name, &ListenerAddress::name) != serving.end()) continue;
    return ConfigError{std::string(kKey), fmt::format("{} names {}, and there is no such listener", kKey, address.name),
                       "use the names in listeners: clients are told the address with the name of the listener they came by"};
  }
  return {};
}

std::vector<BrokerOption> sorted_table() {
  std::vector<BrokerOption> all;
  for (const OptionGroup& group : broker_option_groups()) all.insert(all.end(), group.rows.begin(), group.rows.end());
  std::ranges::sort(all, {}, &BrokerOption::key);
  return all;
}

}  // namespace

std::string to_sentence(const ConfigError& error) {
  return error.hint.empty() ? error.message : fmt::format("{} ({})", error.message, error.hint);
}

std::string full_doc(std::string_view doc, std::string_view no_effect) {
  std::string text(doc);
  if (!no_effect.empty()) text.append(" No effect in Tidelog: ").append(no_effect).append(".");
  return text;
}

ValueResult set_inert(BrokerOptions& into, std::string_view text, const OptionInfo& info) {
  const bool is_unset = info.is_nullable && trim(text).empty();
  if (!is_unset) {
    if (ValueResult ok = check_value(info.type, text, info.rules); !ok) return ok;
  }
  into.inert.insert_or_assign(std::string(info.key), std::string(trim(text)));
  return {};
}

std::string get_inert(const BrokerOptions& from, const OptionInfo& info) {
  const auto found = from.inert.find(info.key);
  return found == from.inert.end() ? std::string(info.fallback) : found->second;
}

std::span<const OptionGroup> broker_option_groups() {
  static const std::array groups{
      OptionGroup{"Broker", served_options()},
      OptionGroup{"Defaults of topics", topic_default_options()},
      OptionGroup{"Upkeep of logs", upkeep_options()},
      OptionGroup{"Replication", replication_options()},
      OptionGroup{"Metadata quorum", quorum_options()},
      OptionGroup{"Consumer and streams groups", groups_options()},
      OptionGroup{"Share groups", share_options()},
      OptionGroup{"Transactions", transactions_options()},
      OptionGroup{"TLS", tls_options()},
      OptionGroup{"Authentication and authorization", sasl_options()},
      OptionGroup{"Tiered storage", tiering_options()},
      OptionGroup{"Threads, sockets, metrics, plugins", process_options()},
  };
  return groups;
}

std::span<const BrokerOption> broker_option_table() {
  static const std::vector<BrokerOption> table = sorted_table();
  return table;
}

std::optional<std::string_view> without_listener_prefix(std::string_view key) {
  if (!key.starts_with(kListenerPrefix)) return std::nullopt;
  const std::size_t dot = key.find('.', kListenerPrefix.size());
  if (dot == std::string_view::npos) return std::nullopt;
  // Mechanisms and their keys stand behind the name: listener.name.NAME.plain.sasl.jaas.config.
  const std::string_view rest = key.substr(dot + 1);
  const std::size_t sasl = rest.find(".sasl.");
  return sasl == std::string_view::npos ? rest : rest.substr(sasl + 1);
}

const BrokerOption* find_broker_option(std::string_view key) {
  if (const auto plain = without_listener_prefix(key)) key = *plain;
  const std::span<const BrokerOption> table = broker_option_table();
  const auto row = std::ranges::lower_bound(table, key, {}, &BrokerOption::key);
  return row != table.end() && row->key == key ? &*row : nullptr;
}

ValueResult set_broker_value(BrokerOptions& into, std::string_view key, const BrokerOption& row, std::string_view text) {
  if (key == row.key) return row.read(into, text);
  BrokerOptions scratch;
  if (ValueResult ok = row.read(scratch, text); !ok) return ok;
  into.inert.insert_or_assign(std::string(key), std::string(trim(text)));
  return {};
}

std::string_view why_plugin_key_is_idle(std::string_view key) {
  if (std::ranges::find(kAuthorizerKeys, key) != std::end(kAuthorizerKeys)) return kNoSasl;
  const bool has_prefix = std::ranges::any_of(kPluginPrefixes, [key](std::string_view prefix) { return key.starts_with(prefix); });
  return has_prefix ? kNoPlugins : std::string_view();
}

std::int64_t request_memory_bytes(const BrokerOptions& options) { return share(options.queued_max_request_bytes, options); }
std::int64_t response_memory_bytes(const BrokerOptions& options) { return share(options.response_memory_bytes, options); }
std::int64_t group_memory_bytes(const BrokerOptions& options) { return share(options.group_memory_bytes, options, 16); }

Result<std::vector<ListenerAddress>, ConfigError> client_listeners(const BrokerOptions& options) {
  return plain_addresses("listeners", options.listeners, options);
}

Result<std::vector<ListenerAddress>, ConfigError> advertised_listeners(const BrokerOptions& options) {
  return plain_addresses("advertised.listeners", options.advertised_listeners, options);
}

namespace {

/// Where it is, links followed as far as it exists.
std::filesystem::path real_path(const std::string& directory) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(directory, failed);
  std::filesystem::path real = std::filesystem::weakly_canonical(absolute, failed);
  if (failed) real = absolute.lexically_normal();
  return real.has_filename() ? real : real.parent_path();
}

/// Two brokers' worth of files in one directory, or a directory that retention of another would have to step around.
Result<void, ConfigError> check_log_dirs(const BrokerOptions& options) {
  std::vector<std::string> directories = options.log_dirs;
  const bool is_apart = !options.metadata_log_dir.empty() &&
                        std::ranges::none_of(directories, [real = real_path(options.metadata_log_dir)](const std::string& directory) {
                          return real_path(directory) == real;
                        });
  if (is_apart) directories.push_back(options.metadata_log_dir);
  if (options.log_dirs.empty() || std::ranges::find(directories, "") != directories.end()) {
    return ConfigError{"log.dirs", "log.dirs names no directory, or one without a name", "for example log.dirs=./data"};
  }
  for (std::size_t i = 0; i < directories.size(); ++i) {
    for (std::size_t j = 0; j < directories.size(); ++j) {
      const std::filesystem::path outer = real_path(directories[i]);
      const std::filesystem::path inner = real_path(directories[j]);
      if (i == j || std::ranges::mismatch(outer, inner).in1 != outer.end()) continue;
      const std::string how = outer == inner ? "are the same directory" : "lie in one another";
      return ConfigError{"log.dirs", fmt::format("{} and {} {}", directories[std::min(i, j)], directories[std::max(i, j)], how),
                         "give each log directory a place of its own"};
    }
  }
  return {};
}

}  // namespace

void apply_older_names(BrokerOptions& options) {
  if (options.stated.contains("broker.id") && !options.stated.contains("node.id") && options.broker_id >= 0) {
    options.node_id = options.broker_id;
    options.stated.emplace("node.id");
  }
  if (!options.log_dir.empty() && !options.stated.contains("log.dirs")) {
    options.log_dirs = options.log_dir;
    options.stated.emplace("log.dirs");
  }
}

Result<void, ConfigError> check_consistency(const BrokerOptions& options) {
  const auto serving = client_listeners(options);
  if (!serving) return serving.error();
  if (serving->empty()) {
    return ConfigError{"listeners", "listeners is empty: the broker would serve nobody",
                       "for example listeners=PLAINTEXT://127.0.0.1:9092"};
  }
  if (auto ok = check_names("listeners", *serving); !ok) return ok;
  if (auto ok = check_advertised(options, *serving); !ok) return ok;
  if (auto ok = check_log_dirs(options); !ok) return ok;
  if (auto ok = check_group_bounds(options); !ok) return ok;
  return check_memory(options);
}

}  // namespace tidelog::broker
