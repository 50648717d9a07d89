#pragma once

#include "cli/wire/capture.h"
#include "tests/unit/proto/record_vectors.h"

#include <string>
#include <vector>

// Packets and capture files, built byte by byte as their formats say.
namespace tidelog::cli::test {

inline void append(std::vector<std::byte>& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

template <class T>
void put_big(std::vector<std::byte>& to, T value) {
  std::byte raw[sizeof(T)];
  store_be(raw, value);
  append(to, raw);
}
template <class T>
void put_little(std::vector<std::byte>& to, T value) {
  put_big(to, std::byteswap(value));
}

enum Flags : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kAck = 16 };

/// One TCP segment between 10.0.0.1 and 10.0.0.2, or [::1] and itself.
struct Tcp {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::uint32_t sequence = 0;
  std::uint8_t flags = kAck;
  std::vector<std::byte> payload;
};

inline std::vector<std::byte> tcp_bytes(const Tcp& tcp) {
  std::vector<std::byte> bytes;
  put_big(bytes, tcp.from);
  put_big(bytes, tcp.to);
  put_big(bytes, tcp.sequence);
  put_big(bytes, std::uint32_t{0});
  put_big(bytes, std::uint8_t{0x60});  // 24 bytes: one option.
  put_big(bytes, tcp.flags);
  put_big(bytes, std::uint64_t{0});
  put_big(bytes, std::uint16_t{0});
  append(bytes, tcp.payload);
  return bytes;
}

inline std::vector<std::byte> ipv4(const Tcp& tcp) {
  const std::vector<std::byte> segment = tcp_bytes(tcp);
  std::vector<std::byte> bytes;
  put_big(bytes, std::uint16_t{0x4500});
  put_big(bytes, static_cast<std::uint16_t>(20 + segment.size()));
  put_big(bytes, std::uint32_t{0x00004000});  // Not to be cut up.
  put_big(bytes, std::uint32_t{0x40060000});
  const bool is_up = tcp.from < tcp.to;
  put_big(bytes, std::uint32_t{is_up ? 0x0a000001U : 0x0a000002U});
  put_big(bytes, std::uint32_t{is_up ? 0x0a000002U : 0x0a000001U});
  append(bytes, segment);
  return bytes;
}

inline std::vector<std::byte> ipv6(const Tcp& tcp) {
  const std::vector<std::byte> segment = tcp_bytes(tcp);
  std::vector<std::byte> bytes;
  put_big(bytes, std::uint32_t{0x60000000});
  put_big(bytes, static_cast<std::uint16_t>(8 + segment.size()));
  put_big(bytes, std::uint16_t{0x0040});  // Options of the way come first,
  for (int i = 0; i < 2; ++i) {
    put_big(bytes, std::uint64_t{0});
    put_big(bytes, std::uint64_t{1});
  }
  put_big(bytes, std::uint64_t{0x0600'0104'0000'0000});  // eight bytes of padding.
  append(bytes, segment);
  return bytes;
}

inline std::vector<std::byte> ethernet(Bytes ip, bool has_vlan = false) {
  std::vector<std::byte> bytes(12);
  if (has_vlan) put_big(bytes, std::uint32_t{0x8100002a});
  put_big(bytes, static_cast<std::uint16_t>(static_cast<unsigned>(ip[0]) >> 4 == 4 ? 0x0800 : 0x86dd));
  append(bytes, ip);
  return bytes;
}

/// A pcap file in the order of a little machine; packets are a millisecond apart.
inline std::vector<std::byte> pcap(std::uint32_t link_type, const std::vector<std::vector<std::byte>>& packets) {
  std::vector<std::byte> file;
  put_little(file, std::uint32_t{0xa1b2c3d4});
  put_little(file, std::uint32_t{0x00040002});
  put_little(file, std::uint64_t{0});
  put_little(file, std::uint32_t{262'144});
  put_little(file, link_type);
  std::uint32_t time_us = 0;
  for (const auto& packet : packets) {
    put_little(file, std::uint32_t{1'700'000'000});
    put_little(file, time_us += 1'000);
    put_little(file, static_cast<std::uint32_t>(packet.size()));
    put_little(file, static_cast<std::uint32_t>(packet.size()));
    append(file, packet);
  }
  return file;
}

inline ByteSource source_of(const std::vector<std::byte>& file, std::size_t piece = 7) {
  // In small pieces, as a pipe gives them.
  return ByteSource([&file, piece, at = std::size_t{0}](MutableBytes room) mutable {
    const std::size_t count = std::min({piece, room.size(), file.size() - at});
    std::memcpy(room.data(), file.data() + at, count);
    at += count;
    return count;
  });
}

}  // namespace tidelog::cli::test
