#include "cli/commands/commands.h"

namespace tidelog::cli {

result<std::pair<std::string, std::string>> split_pair(const std::string& text, std::string_view what) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return std::pair(text.substr(0, equals), text.substr(equals + 1));
  return error(errc::invalid_argument, "\"" + text + "\" is not a " + std::string(what)).set_hint("write it as KEY=VALUE");
}

result<client> open_client(const GlobalOptions& global, config defaults) {
  defaults.set("client.id", "tidelog-cli").set("bootstrap.servers", global.brokers);
  if (global.timeout_ms > 0) {
    const std::string timeout = std::to_string(global.timeout_ms);
    for (const char* key : {"default.api.timeout.ms", "delivery.timeout.ms", "max.block.ms", "request.timeout.ms"})
      defaults.set(key, timeout);
  }
  for (const std::string& setting : global.client_settings) {
    const auto pair = split_pair(setting, "client setting");
    if (!pair) return pair.error();
    defaults.set(pair->first, pair->second);
  }
  return client::open(defaults);
}

}  // namespace tidelog::cli
