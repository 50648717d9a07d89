#include "broker/config/listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidelog::broker {
namespace {

ConfigError malformed(std::string_view key, std::string_view text, std::string_view why) {
  return {.key = std::string(key),
          .message = fmt::format("\"{}\" is not valid for {}: {}", text, key, why),
          .hint = fmt::format("write it as PLAINTEXT://HOST:PORT, for example {}=PLAINTEXT://127.0.0.1:9092", key)};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) { return c > ' ' && c != '/' && c != '[' && c != ']' && c != '@' && c != '?' && c != '#'; });
}

}  // namespace

Result<ListenerAddress, ConfigError> parse_listener(std::string_view key, std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return malformed(key, text, "the protocol is missing");
  const std::string_view name = text.substr(0, scheme);
  const std::string_view address = text.substr(scheme + 3);
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return malformed(key, text, "the port is missing");
  const std::optional<std::uint16_t> port = parse_port(address.substr(colon + 1));
  if (!port) return malformed(key, text, "the port is not a number from 0 to 65535");
  std::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() > 1 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return malformed(key, text, "an IPv6 address stands in brackets");
  if (!is_host(host)) return malformed(key, text, "the host is not a name or an address");
  return ListenerAddress{.name = std::string(name), .host = std::string(host), .port = *port};
}

}  // namespace tidelog::broker
