#pragma once

#include "broker/config/option.h"
#include "proto/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidelog::broker {

/// One element of `listeners` or `advertised.listeners`: NAME://HOST:PORT.
struct ListenerAddress {
  std::string name;
  std::string host;  ///< Empty: every local address.
  std::uint16_t port = 0;
  bool operator==(const ListenerAddress&) const = default;
};

/// IPv6 addresses stand in brackets. `key` names the option in the error. Whether the name stands for PLAINTEXT is the caller's to judge.
Result<ListenerAddress, ConfigError> parse_listener(std::string_view key, std::string_view text);

}  // namespace tidelog::broker
