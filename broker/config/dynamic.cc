#include "broker/config/dynamic.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidelog::broker {
namespace {

/// Keys nobody knows that one resource may keep: they cost memory on every broker and mean nothing.
constexpr std::size_t kMostUnknownKeys = 100;

bool is_security_key(std::string_view key) { return key.starts_with("ssl.") || key.starts_with("sasl."); }

ConfigError refusal(std::string_view key, std::string message, std::string hint) {
  return {.key = std::string(key), .message = std::move(message), .hint = std::move(hint)};
}

Result<void, ConfigError> check_update(const BrokerOption& row, std::string_view key, bool is_for_all) {
  const bool is_of_listener = key != row.key;
  if (!row.is_dynamic()) {
    return refusal(key, fmt::format("{} cannot change while the broker runs", key),
                   "set it in the broker's file or flags, and start it again");
  }
  if (is_security_key(key)) {
    return refusal(key, fmt::format("{} can only change for one listener at a time", key), fmt::format("use listener.name.NAME.{}", key));
  }
  if (is_for_all && (row.update == OptionUpdate::per_broker || is_of_listener)) {
    return refusal(key, fmt::format("{} is a setting of one broker", key), "name the broker: its id is the resource's name");
  }
  return {};
}

bool is_number(OptionType type) {
  return type == OptionType::short_integer || type == OptionType::integer || type == OptionType::long_integer || type == OptionType::real;
}

Result<void, ConfigError> check_broker_value(const BrokerOption& row, std::string_view key, std::string_view value) {
  BrokerOptions scratch;
  ValueResult ok = set_broker_value(scratch, key, row, value);
  // A file may leave a number empty to unset it; here taking the key back does that.
  if (ok && is_number(row.type) && trim(value).empty()) ok = std::string("it is empty");
  if (ok) return {};
  return refusal(key, fmt::format("\"{}\" is not valid for {}: {}", value, key, ok.error()), {});
}

Result<void, ConfigError> check_change(const BrokerOption& row, std::string_view key, std::string_view value, bool is_for_all) {
  if (Result<void, ConfigError> ok = check_update(row, key, is_for_all); !ok) return ok;
  return check_broker_value(row, key, value);
}

Result<void, ConfigError> check_count_of_unknown(std::string_view key, std::size_t count) {
  if (count <= kMostUnknownKeys) return {};
  ConfigError error =
      refusal(key, fmt::format("{} keys are set that no broker knows, and that is the most that are kept", kMostUnknownKeys),
              "delete those that nothing needs");
  error.is_limit = true;
  return error;
}

}  // namespace

BrokerOptions resolve_broker_options(const BrokerOptions& started, const ConfigMap& for_all, const ConfigMap& own) {
  BrokerOptions options = started;
  for (const ConfigMap* layer : {&for_all, &own}) {
    for (const auto& [key, value] : *layer) {
      const BrokerOption* row = find_broker_option(key);
      if (row != nullptr && row->is_dynamic()) (void)set_broker_value(options, key, *row, value);
    }
  }
  return options;
}

Result<void, ConfigError> validate_broker_configs(const ConfigMap& configs, bool is_for_all) {
  std::size_t unknown = 0;
  for (const auto& [key, value] : configs) {
    const BrokerOption* row = find_broker_option(key);
    Result<void, ConfigError> ok = row == nullptr ? check_count_of_unknown(key, ++unknown) : check_change(*row, key, value, is_for_all);
    if (!ok) return ok;
  }
  return {};
}

bool is_broker_list(std::string_view key) {
  const BrokerOption* row = find_broker_option(key);
  return row != nullptr && row->type == OptionType::list;
}

bool is_topic_list(std::string_view key) {
  const TopicOption* row = find_topic_option(key);
  return row != nullptr && row->type == OptionType::list;
}

}  // namespace tidelog::broker
