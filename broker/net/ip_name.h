#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidelog::broker {

/// The one spelling of an IP address: IPv6 in its short form, and an IPv4 address that came over an IPv6 socket as the IPv4 address it is.
/// Nothing: it is none. Names are not looked up.
std::optional<std::string> canonical_ip(std::string_view text);

}  // namespace tidelog::broker
