#include "broker/config/broker_options.h"
#include "broker/config/load.h"
#include "broker/config/properties.h"
#include "broker/config/topic_config.h"

#include <cstdlib>
#include <string_view>
#include <vector>

// Any bytes as what somebody configures: a file, flags, a topic's setting, a listener. The first byte chooses.
// Properties: what is refused is told with words; of what is taken every value is printed in a form that is read as the same again.

namespace {

using namespace tidelog;
using namespace tidelog::broker;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_printing(const BrokerOptions& options) {
  for (const BrokerOption& row : broker_option_table()) {
    const std::string printed = row.print(options);
    BrokerOptions copy;
    require(row.read(copy, printed).has_value());
    require(row.print(copy) == printed);
  }
  static_cast<void>(load_notices(options));
}

void check(const Result<BrokerOptions, ConfigError>& options) {
  if (options) return check_printing(*options);
  require(!options.error().message.empty());
}

void as_file(std::string_view text) {
  const Result<std::vector<Property>, PropertiesError> properties = parse_properties(text);
  const auto options = merge_options({.file_name = "file", .file_text = text, .environment = {}, .flags = {}});
  check(options);
  if (!properties) return require(properties.error().line > 0 && !properties.error().message.empty() && !options);
  std::size_t line = 0;
  for (const Property& property : *properties) {
    require(!property.key.empty() && property.line > line);
    line = property.line;
  }
}

void as_flags(std::string_view text) {
  std::vector<std::string> flags;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    flags.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  check(merge_options({.file_name = "", .file_text = "", .environment = {}, .flags = flags}));
}

void as_topic_config(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string_view key = text.substr(0, equals);
  const std::string_view value = text.substr(std::min(equals + 1, text.size()));
  const Result<void, ConfigError> valid = validate_topic_config(key, value);
  if (!valid) require(!valid.error().message.empty());
  const ConfigMap overrides{{std::string(key), std::string(value)}};
  const TopicConfig defaults = topic_defaults({});
  const TopicConfig config = with_overrides(defaults, overrides);
  if (!valid) return require(config == defaults);
  const TopicOption& row = *find_topic_option(key);
  TopicConfig copy;
  require(row.read(copy, row.print(config)).has_value() && row.print(copy) == row.print(config));
}

void as_listener(std::string_view text) {
  const Result<ListenerAddress, ConfigError> address = parse_listener("listeners", text);
  if (!address) return require(!address.error().message.empty() && !address.error().hint.empty());
  const bool has_brackets = address->host.find(':') != std::string::npos;
  const std::string host = has_brackets ? "[" + address->host + "]" : address->host;
  const auto again = parse_listener("listeners", address->name + "://" + host + ":" + std::to_string(address->port));
  require(again && *again == *address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3) {
    case 0: as_file(text); break;
    case 1: as_flags(text); break;
    case 2: as_topic_config(text); break;
    default: as_listener(text); break;
  }
  return 0;
}
