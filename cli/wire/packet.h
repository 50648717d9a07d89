#pragma once

#include "cli/wire/tcp_stream.h"

#include <array>
#include <compare>
#include <optional>
#include <string>

namespace tidelog::cli {

/// One packet of a capture.
struct CapturedPacket {
  std::uint32_t link_type = 0;  ///< A LINKTYPE_ number of tcpdump.org.
  std::optional<std::int64_t> time_ns;
  Bytes bytes;  ///< A view until the next packet is read.
};

struct Endpoint {
  std::array<std::byte, 16> address{};  ///< An IPv4 address stands in the first four.
  bool is_v6 = false;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
  /// `10.0.0.1:9092`, `[::1]:9092`
  [[nodiscard]] std::string text() const;
};

/// What a packet says about a TCP connection.
struct TcpPacket {
  Endpoint from;
  Endpoint to;
  bool is_syn = false;
  bool is_ack = false;
  bool is_fin = false;
  bool is_rst = false;
  TcpStream::Segment segment;
};

/// Whether packets of this link type can be read.
bool is_known_link(std::uint32_t link_type);

/// The TCP segment in a packet; nothing if it holds none that can be followed (another protocol, a fragment, cut before its data).
std::optional<TcpPacket> read_tcp(const CapturedPacket& packet);

}  // namespace tidelog::cli
