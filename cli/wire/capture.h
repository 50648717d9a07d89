#pragma once

#include "cli/wire/byte_source.h"
#include "cli/wire/packet.h"
#include "proto/base/endian.h"
#include <tidelog/result.h>

#include <bit>
#include <memory>
#include <optional>

namespace tidelog::cli {

/// The packets of a capture file, one by one. Nothing is allocated by what a length in it claims.
class CaptureReader {
 public:
  virtual ~CaptureReader() = default;
  /// The next packet, nothing at the end; an error says what is wrong with the file, and where.
  virtual result<std::optional<CapturedPacket>> next() = 0;
};

/// No packet that was captured is larger.
inline constexpr std::uint32_t kMostPacketBytes = 262'144;

/// Whether the bytes begin a capture file. No stream of frames begins like one: the length of its first frame would be negative or too
/// large.
bool begins_capture(Bytes bytes);

/// The reader for what the source begins with, `pcap` or `pcapng`. Needs begins_capture of its first four bytes.
result<std::unique_ptr<CaptureReader>> open_capture(ByteSource& source);

/// The two forms, behind `open_capture`.
result<std::unique_ptr<CaptureReader>> open_pcap(ByteSource& source);
result<std::unique_ptr<CaptureReader>> open_pcapng(ByteSource& source);

/// A number of a capture file, whose writer's byte order may be either.
template <class T>
T load_number(const std::byte* from, bool is_little) {
  const T big = load_be<T>(from);
  return is_little ? std::byteswap(big) : big;
}

/// The file is damaged at this place.
error damaged_capture(std::uint64_t at, const std::string& what);
/// Packets of a kind that nothing here reads.
error unknown_link(std::uint32_t link_type);

}  // namespace tidelog::cli
