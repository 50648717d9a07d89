#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidelog::broker {

/// The one spelling of an IP address: IPv6 in its short form, and an IPv4 address that came over an IPv6 socket as the IPv4 address it is.
/// Nothing: it is none. Names are not looked up.
std::optional<std::string> canonical_ip(std::string_view text);

/// Whom a limit of one address counts for: an IPv4 address itself, however it is spelled. Of IPv6 the /64 (`fd00:0:0:7::/64`), which is
/// what a single host or home is given and may pick any address of. What is no address stands for itself.
std::string counted_ip(std::string_view text);

}  // namespace tidelog::broker
