#include "cli/wire/capture.h"

namespace tidelog::cli {
namespace {

constexpr std::uint32_t kPcapng = 0x0a0d0d0a;
constexpr std::uint32_t kPcapMagics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1};

std::uint32_t magic_of(Bytes bytes) { return bytes.size() < 4 ? 0 : load_be<std::uint32_t>(bytes.data()); }

}  // namespace

bool begins_capture(Bytes bytes) {
  const std::uint32_t magic = magic_of(bytes);
  return magic == kPcapng || std::ranges::find(kPcapMagics, magic) != std::end(kPcapMagics);
}

result<std::unique_ptr<CaptureReader>> open_capture(ByteSource& source) {
  source.ensure(4);
  return magic_of(source.bytes()) == kPcapng ? open_pcapng(source) : open_pcap(source);
}

error damaged_capture(std::uint64_t at, const std::string& what) {
  error damaged(errc::invalid_argument, "the capture is damaged at byte " + std::to_string(at) + ": " + what);
  return damaged.set_hint("what stands before that was read");
}

error unknown_link(std::uint32_t link_type) {
  error unknown(errc::unsupported, "the capture has packets of link type " + std::to_string(link_type) + ", which is not known here");
  return unknown.set_hint("Ethernet, loopback, raw IP and Linux' \"any\" (SLL, SLL2) are");
}

}  // namespace tidelog::cli
