#include "broker/config/load.h"

#include "broker/config/option_groups.h"
#include "broker/config/properties.h"
#include "broker/config/suggest.h"
#include "broker/config/topic_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <system_error>

namespace tidelog::broker {
namespace {

using Outcome = Result<void, ConfigError>;
constexpr std::string_view kPrefix = "TIDELOG_";
// Variables of other programs share the prefix; closer than this to one of ours is a slip of the finger.
constexpr std::size_t kEnvironmentTypoLetters = 2;

std::string_view suggestion(std::string_view key) {
  std::vector<std::string_view> keys;
  for (const BrokerOption& row : broker_option_table()) keys.push_back(row.key);
  return closest_word(key, keys);
}

/// A topic key in a broker's file is a frequent slip, and no typo: name the broker's spelling.
std::string_view broker_spelling(std::string_view key) {
  for (const TopicOption& row : topic_option_table()) {
    if (row.key == key && !row.synonyms.empty()) return row.synonyms.front().key;
  }
  return {};
}

ConfigError unknown_key(std::string_view where, std::string_view key) {
  ConfigError error{.key = std::string(key), .message = fmt::format("{}: unknown key \"{}\"", where, key), .hint = ""};
  if (const std::string_view spelling = broker_spelling(key); !spelling.empty()) {
    error.hint = fmt::format("{} is a topic's key; the broker's default for it is {}", key, spelling);
  } else if (const std::string_view meant = suggestion(key); !meant.empty()) {
    error.hint = fmt::format("did you mean {}?", meant);
  } else {
    error.hint = "`tidelog config docs` lists every key";
  }
  return error;
}

Outcome set_key(std::string_view where, std::string_view key, std::string_view value, BrokerOptions& options) {
  const BrokerOption* row = find_broker_option(key);
  if (row == nullptr && !why_plugin_key_is_idle(key).empty()) {
    options.inert.insert_or_assign(std::string(key), std::string(trim(value)));
    options.stated.emplace(key);
    return {};
  }
  if (row == nullptr) return unknown_key(where, key);
  if (ValueResult ok = set_broker_value(options, key, *row, value); !ok) {
    return ConfigError{.key = std::string(key),
                       .message = fmt::format("{}: \"{}\" is not valid for {}: {}", where, value, key, ok.error()),
                       .hint = fmt::format("{}: {}", key, row->doc)};
  }
  options.stated.emplace(key);
  return {};
}

Outcome apply_file(const OptionSources& sources, BrokerOptions& options) {
  const Result<std::vector<Property>, PropertiesError> properties = parse_properties(sources.file_text);
  if (!properties) {
    const PropertiesError& error = properties.error();
    return ConfigError{
        .key = "", .message = fmt::format("{}:{}: {}", sources.file_name, error.line, error.message), .hint = "one key=value a line"};
  }
  for (const Property& property : *properties) {
    const std::string where = fmt::format("{}:{}", sources.file_name, property.line);
    if (Outcome ok = set_key(where, property.key, property.value, options); !ok) return ok;
  }
  return {};
}

Outcome check_foreign_variable(std::string_view name) {
  for (const BrokerOption& row : broker_option_table()) {
    const std::string known = environment_name(row.key);
    if (edit_distance(name, known) > kEnvironmentTypoLetters) continue;
    return ConfigError{.key = std::string(name),
                       .message = fmt::format("environment: {} is no setting", name),
                       .hint = fmt::format("did you mean {}?", known)};
  }
  return {};
}

Outcome apply_environment(const OptionSources& sources, BrokerOptions& options) {
  for (const auto& [name, value] : sources.environment) {
    if (!name.starts_with(kPrefix)) continue;
    const BrokerOption* known = nullptr;
    for (const BrokerOption& row : broker_option_table()) {
      if (environment_name(row.key) == name) known = &row;
    }
    Outcome ok = known != nullptr ? set_key("environment " + name, known->key, value, options) : check_foreign_variable(name);
    if (!ok) return ok;
  }
  return {};
}

Outcome apply_flags(const OptionSources& sources, BrokerOptions& options) {
  for (const std::string& flag : sources.flags) {
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return ConfigError{
          .key = "", .message = fmt::format("-o {}: not of the form key=value", flag), .hint = "for example -o num.partitions=4"};
    }
    const std::string_view key = trim(std::string_view(flag).substr(0, equals));
    if (Outcome ok = set_key(fmt::format("-o {}", flag), key, std::string_view(flag).substr(equals + 1), options); !ok) return ok;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> process_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(kPrefix)) continue;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

/// Why nothing reads `key`; empty if it is read.
std::string_view why_idle(std::string_view key) {
  const BrokerOption* row = find_broker_option(key);
  if (row == nullptr) return why_plugin_key_is_idle(key);
  if (!row->no_effect.empty()) return row->no_effect;
  return row->key == key ? std::string_view() : kOneListener;
}

}  // namespace

std::vector<std::string> load_notices(const BrokerOptions& options) {
  std::vector<std::string> notices;
  std::map<std::string_view, std::vector<std::string_view>> idle;
  for (const std::string& key : options.stated) {
    if (const std::string_view why = why_idle(key); !why.empty()) idle[why].push_back(key);
  }
  for (const auto& [why, keys] : idle) notices.push_back(fmt::format("without effect: {} ({})", fmt::join(keys, ", "), why));
  return notices;
}

std::string environment_name(std::string_view key) {
  std::string name(kPrefix);
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    name += lower ? static_cast<char>(c - 'a' + 'A') : c == '.' ? '_' : c;
  }
  return name;
}

Result<BrokerOptions, ConfigError> merge_options(const OptionSources& sources) {
  BrokerOptions options;
  if (Outcome ok = apply_file(sources, options); !ok) return ok.error();
  if (Outcome ok = apply_environment(sources, options); !ok) return ok.error();
  if (Outcome ok = apply_flags(sources, options); !ok) return ok.error();
  apply_older_names(options);
  if (Outcome ok = check_consistency(options); !ok) return ok.error();
  return options;
}

/// By the C library: a stream throws for a directory.
static Result<std::string, ConfigError> read_whole(const std::string& file_name) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(file_name.c_str(), "rbe"), &std::fclose);
  std::string text;
  std::array<char, 4096> piece;
  while (file != nullptr) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get());
    text.append(piece.data(), got);
    if (got < piece.size()) break;
  }
  if (file != nullptr && std::ferror(file.get()) == 0) return text;
  return ConfigError{.key = "",
                     .message = fmt::format("cannot read the configuration file {}: {}", file_name, std::generic_category().message(errno)),
                     .hint = "check the path given to -c"};
}

Result<BrokerOptions, ConfigError> load_options(const std::string& file_name, std::span<const std::string> flags) {
  const Result<std::string, ConfigError> text = file_name.empty() ? std::string() : read_whole(file_name);
  if (!text) return text.error();
  const std::vector<std::pair<std::string, std::string>> environment = process_environment();
  return merge_options({.file_name = file_name, .file_text = *text, .environment = environment, .flags = flags});
}

}  // namespace tidelog::broker
