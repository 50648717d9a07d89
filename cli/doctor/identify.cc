#include "cli/doctor/identify.h"

#include "cli/doctor/greeting.h"

#include <array>
#include <span>
#include <string_view>

namespace tidelog::cli {
namespace {

/// A ClientHello of TLS 1.2 with suites that every server knows of. Whether it likes them or not, it answers with a TLS record.
// clang-format off
constexpr std::uint8_t kClientHello[] = {
    0x16, 0x03, 0x01, 0x00, 0x50,                                            // A handshake record of 80 bytes:
    0x01, 0x00, 0x00, 0x4c, 0x03, 0x03,                                      // ClientHello of 76 bytes, TLS 1.2;
    'n', 'o', 't', ' ', 'a', 't', ' ', 'a', 'l', 'l', ' ', 'r', 'a', 'n', 'd', 'o',  // 32 bytes that a real one draws,
    'm', ',', ' ', 's', 'i', 'n', 'c', 'e', ' ', 'n', 'o', 'n', 'e', ' ', 'i', 's',
    0x00,                                                                    // no session,
    0x00, 0x08, 0xc0, 0x2f, 0xc0, 0x2b, 0x00, 0x9c, 0x00, 0x2f,              // four suites,
    0x01, 0x00,                                                              // no compression;
    0x00, 0x1b,                                                              // extensions of 27 bytes:
    0x00, 0x0d, 0x00, 0x08, 0x00, 0x06, 0x04, 0x01, 0x04, 0x03, 0x08, 0x04,  // signature algorithms,
    0x00, 0x0a, 0x00, 0x06, 0x00, 0x04, 0x00, 0x1d, 0x00, 0x17,              // groups,
    0xff, 0x01, 0x00, 0x01, 0x00};                                           // renegotiation.
// clang-format on

constexpr std::string_view kHttpRequest = "GET / HTTP/1.0\r\n\r\n";
constexpr std::chrono::milliseconds kLongest{2'000};

std::string ask(const core::SocketAddress& address, std::chrono::milliseconds timeout, Bytes question) {
  auto dial = Dial::connect(address, timeout);
  if (!dial || !dial->send(question)) return {};
  std::array<std::byte, 64> room;
  const Result<std::size_t> count = dial->receive(room, dial->deadline());
  return count ? std::string(reinterpret_cast<const char*>(room.data()), *count) : std::string();
}

}  // namespace

HopFailure identify(const core::SocketAddress& address, std::chrono::milliseconds timeout, HopFailure failure) {
  const bool is_unclear = failure.trouble == HopTrouble::closed_at_once || failure.trouble == HopTrouble::silent;
  if (!is_unclear) return failure;
  timeout = std::min(timeout, kLongest);
  const std::string to_tls = ask(address, timeout, std::as_bytes(std::span(kClientHello)));
  if (greeting_of(std::as_bytes(std::span(to_tls))) == Greeting::tls) return {HopTrouble::speaks_tls, {}};
  const std::string to_http = ask(address, timeout, std::as_bytes(std::span(kHttpRequest)));
  const Greeting greeting = greeting_of(std::as_bytes(std::span(to_http)));
  if (greeting == Greeting::http) return {HopTrouble::speaks_http, {}};
  if (greeting == Greeting::other_text) return {HopTrouble::speaks_other, quoted_greeting(std::as_bytes(std::span(to_http)))};
  return failure;
}

}  // namespace tidelog::cli
