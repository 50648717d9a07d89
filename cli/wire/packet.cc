#include "cli/wire/packet.h"

#include "proto/codec/reader.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace tidelog::cli {
namespace {

using proto::Reader;

constexpr std::uint32_t kNull = 0, kEthernet = 1, kRawBsd = 12, kRawOpenBsd = 14, kRaw = 101, kLoop = 108, kLinuxSll = 113, kIpv4 = 228,
                        kIpv6 = 229, kLinuxSll2 = 276;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeIpv6 = 0x86dd, kTypeVlan = 0x8100, kTypeServiceVlan = 0x88a8;
constexpr std::uint8_t kTcp = 6, kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
constexpr int kMostHeaders = 8;  ///< VLAN tags, or extension headers of IPv6.

/// Bytes of an IP packet that follow its headers: `sent` of them were sent, `bytes` captured.
struct IpPayload {
  Bytes bytes;
  std::size_t sent = 0;
  TcpPacket ends;  ///< With the addresses.
};

/// What follows the link's header; empty if that is not IP.
Bytes skip_ethernet(Bytes packet) {
  Reader in(packet);
  in.take_bytes(12);
  auto type = in.take<std::uint16_t>();
  for (int tags = 0; tags < kMostHeaders && (type == kTypeVlan || type == kTypeServiceVlan); ++tags) {
    in.take<std::uint16_t>();
    type = in.take<std::uint16_t>();
  }
  const bool is_ip = in.ok && (type == kTypeIpv4 || type == kTypeIpv6);
  return is_ip ? Bytes(in.at, in.left()) : Bytes();
}

Bytes skip_bytes(Bytes packet, std::size_t count) { return packet.size() < count ? Bytes() : packet.subspan(count); }

/// The version of IP stands in its own first bits, so the link's word for it is not needed where nothing but IP has that shape.
Bytes skip_link(const CapturedPacket& packet) {
  switch (packet.link_type) {
    case kNull:
    case kLoop: return skip_bytes(packet.bytes, 4);
    case kEthernet: return skip_ethernet(packet.bytes);
    case kLinuxSll: return skip_bytes(packet.bytes, 16);
    case kLinuxSll2: return skip_bytes(packet.bytes, 20);
    case kRaw:
    case kRawBsd:
    case kRawOpenBsd:
    case kIpv4:
    case kIpv6: return packet.bytes;
    default: return {};
  }
}

Endpoint endpoint(const std::byte* address, bool is_v6) {
  Endpoint made{.is_v6 = is_v6};
  std::memcpy(made.address.data(), address, is_v6 ? 16 : 4);
  return made;
}

std::optional<IpPayload> read_ipv4(Bytes packet) {
  constexpr std::size_t kLeast = 20;
  if (packet.size() < kLeast) return std::nullopt;
  const std::size_t header = (static_cast<std::size_t>(packet[0]) & 15) * 4;
  const auto total = load_be<std::uint16_t>(packet.data() + 2);
  const auto fragment = load_be<std::uint16_t>(packet.data() + 6);
  const bool is_fragment = (fragment & 0x3fff) != 0;  // More to come, or not the first.
  if (header < kLeast || packet.size() < header || is_fragment || static_cast<std::uint8_t>(packet[9]) != kTcp) return std::nullopt;
  // Large sends that the network card cuts up have no length of their own yet.
  const std::size_t whole = total == 0 ? packet.size() : total;
  if (whole < header) return std::nullopt;
  IpPayload payload{.bytes = packet.first(std::min(whole, packet.size())).subspan(header), .sent = whole - header};
  payload.ends.from = endpoint(packet.data() + 12, false);
  payload.ends.to = endpoint(packet.data() + 16, false);
  return payload;
}

std::optional<IpPayload> read_ipv6(Bytes packet) {
  constexpr std::size_t kHeader = 40;
  if (packet.size() < kHeader) return std::nullopt;
  const auto length = load_be<std::uint16_t>(packet.data() + 4);
  auto next = static_cast<std::uint8_t>(packet[6]);
  Bytes rest = packet.subspan(kHeader);
  std::size_t sent = length == 0 ? rest.size() : length;
  rest = rest.first(std::min(sent, rest.size()));
  for (int headers = 0; next != kTcp; ++headers) {
    const bool is_plain = next == kHopByHop || next == kRouting || next == kDestination;
    if ((!is_plain && next != kFragment) || rest.size() < 8 || headers == kMostHeaders) return std::nullopt;
    if (next == kFragment && (load_be<std::uint16_t>(rest.data() + 2) & 0xfff9) != 0) return std::nullopt;
    const std::size_t size = next == kFragment ? 8 : (static_cast<std::size_t>(rest[1]) + 1) * 8;
    if (rest.size() < size) return std::nullopt;
    next = static_cast<std::uint8_t>(rest[0]);
    rest = rest.subspan(size);
    sent -= size;
  }
  IpPayload payload{.bytes = rest, .sent = sent};
  payload.ends.from = endpoint(packet.data() + 8, true);
  payload.ends.to = endpoint(packet.data() + 24, true);
  return payload;
}

}  // namespace

std::string Endpoint::text() const {
  char name[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(is_v6 ? AF_INET6 : AF_INET, address.data(), name, sizeof name);
  return (is_v6 ? "[" + std::string(name) + "]" : std::string(name)) + ":" + std::to_string(port);
}

bool is_known_link(std::uint32_t link_type) {
  switch (link_type) {
    case kNull:
    case kEthernet:
    case kRawBsd:
    case kRawOpenBsd:
    case kRaw:
    case kLoop:
    case kLinuxSll:
    case kIpv4:
    case kIpv6:
    case kLinuxSll2: return true;
    default: return false;
  }
}

std::optional<TcpPacket> read_tcp(const CapturedPacket& packet) {
  const Bytes ip = skip_link(packet);
  if (ip.empty()) return std::nullopt;
  const auto version = static_cast<unsigned>(ip[0]) >> 4;
  std::optional<IpPayload> payload;
  if (version == 4) payload = read_ipv4(ip);
  if (version == 6) payload = read_ipv6(ip);
  constexpr std::size_t kLeast = 20;
  if (!payload || payload->bytes.size() < kLeast) return std::nullopt;
  const Bytes tcp = payload->bytes;
  const std::size_t header = (static_cast<std::size_t>(tcp[12]) >> 4) * 4;
  if (header < kLeast || payload->sent < header) return std::nullopt;
  const auto flags = static_cast<unsigned>(tcp[13]);
  TcpPacket read = payload->ends;
  read.from.port = load_be<std::uint16_t>(tcp.data());
  read.to.port = load_be<std::uint16_t>(tcp.data() + 2);
  read.is_fin = (flags & 1) != 0;
  read.is_syn = (flags & 2) != 0;
  read.is_rst = (flags & 4) != 0;
  read.is_ack = (flags & 16) != 0;
  // The first byte comes behind the number of a SYN.
  read.segment = {.sequence = load_be<std::uint32_t>(tcp.data() + 4) + (read.is_syn ? 1U : 0U),
                  .payload = tcp.subspan(std::min(header, tcp.size())),
                  .sent_bytes = static_cast<std::uint32_t>(payload->sent - header)};
  return read;
}

}  // namespace tidelog::cli
